// SPDX-License-Identifier: AGPL-3.0-only
#include "process/confine.h"

#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "host/private_files.h"
#include "process/json_types.h"

namespace sentiric::process {
namespace {

SandboxRules RulesOf(const Json& command) {
  SandboxRules rules;
  rules.readable = command.at("readable").get<std::vector<std::string>>();
  rules.writable = command.at("writable").get<std::vector<std::string>>();
  rules.uses_devices = command.at("uses_devices").get<bool>();
  return rules;
}

}  // namespace

std::optional<SandboxRules> Confine(std::string_view bytes, FrameWriter* out) {
  const Json command = Json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (!command.is_object() || command.value("kind", "") != "confine") return std::nullopt;
  SandboxRules rules = RulesOf(command);
  // What is unusable stays unused: the engine says so when it opens its cache.
  for (const std::string& folder : rules.writable) (void)EnsurePrivateFolder(folder);
  tzset();  // reads a file that templates which ask for the date would not find later
  Json layers = Json::array();
  for (const Protection& layer : EnterSandbox(rules).parts()) {
    layers.push_back({layer.name, layer.holds(), Line(layer)});
  }
  const Json answer = {
      {"kind", "answer"}, {"call", command.at("call")}, {"protections", std::move(layers)}};
  if (!out->Write(FrameKind::kOther, Dump(answer))) return std::nullopt;
  return rules;
}

}  // namespace sentiric::process
