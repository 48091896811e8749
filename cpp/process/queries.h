// SPDX-License-Identifier: AGPL-3.0-only
// Commands that are questions: about text, memory and devices.
#pragma once

#include <functional>

#include "process/json_types.h"
#include "sentiric/engine.h"

namespace sentiric::process {

// The fields of the answer, or its `failure`. Blocks. `engine` is null before a model is open.
// A long one looks in between whether its caller `is_left`, and then ends with kCancelled.
// Throws for a malformed command.
Json AnswerQuery(const Json& command, Engine* engine, const std::function<bool()>& is_left);

// Why the event ends its request with an error; null when it does not.
const Error* FailureOf(const Event& event);

}  // namespace sentiric::process
