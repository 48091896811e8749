// SPDX-License-Identifier: AGPL-3.0-only
// The values of the engine's interface as JSON, under the names that Python's dataclasses have.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "sentiric/devices.h"
#include "sentiric/engine.h"
#include "sentiric/memory_plan.h"

namespace sentiric::process {

using Json = nlohmann::json;

// A field that has the wrong type, or a number that does not fit.
class BadField : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// From Python. They throw BadField, or another exception for anything else that is malformed.
Request RequestOf(const Json& json);
EngineConfig ConfigOf(const Json& json);
// Messages, tools, template_arguments and continues.
Prompt ConversationOf(const Json& json);
std::vector<Token> TokensOf(const Json& base64);

// To Python.
Json ToJson(const ModelInfo& info);
Json ToJson(const MemoryPlan& plan);
Json ToJson(const Device& device);
Json ToJson(const Error& error);
// A delta: what the event adds. Its error is not part of it.
Json DeltaOf(const Event& event);

// As bytes. Bytes that are not UTF-8 become U+FFFD.
std::string Dump(const Json& json);

}  // namespace sentiric::process
