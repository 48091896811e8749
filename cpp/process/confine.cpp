// SPDX-License-Identifier: AGPL-3.0-only
#include "process/confine.h"

#include <ctime>
#include <string>
#include <vector>

#include "host/private_files.h"
#include "host/sandbox.h"
#include "process/json_types.h"

namespace sentiric::process {
namespace {

SandboxRules RulesOf(const Json& command) {
  SandboxRules rules;
  rules.readable = command.at("readable").get<std::vector<std::string>>();
  rules.writable = command.at("writable").get<std::vector<std::string>>();
  rules.uses_devices = command.at("uses_devices").get<bool>();
  rules.max_data_bytes = command.at("max_data_bytes").get<std::uint64_t>();
  return rules;
}

}  // namespace

bool Confine(std::string_view bytes, FrameWriter* out) {
  const Json command = Json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (!command.is_object() || command.value("kind", "") != "confine") return false;
  const SandboxRules rules = RulesOf(command);
  // What is unusable stays unused: the engine says so when it opens its cache.
  for (const std::string& folder : rules.writable) (void)EnsurePrivateFolder(folder);
  tzset();  // reads a file that templates which ask for the date would not find later
  Json layers = Json::array();
  for (const Protection& layer : EnterSandbox(rules).parts()) {
    layers.push_back({layer.name, layer.holds(), Line(layer)});
  }
  return out->Write(
      FrameKind::kOther,
      Dump({{"kind", "answer"}, {"call", command.at("call")}, {"protections", std::move(layers)}}));
}

}  // namespace sentiric::process
