// SPDX-License-Identifier: AGPL-3.0-only
// Commands that are questions: about text, memory and devices.
#pragma once

#include "process/json_types.h"
#include "sentiric/engine.h"

namespace sentiric::process {

// The fields of the answer, or its `failure`. Blocks. `engine` is null before a model is open.
// Throws for a malformed command.
Json AnswerQuery(const Json& command, Engine* engine);

// Why the event ends its request with an error; null when it does not.
const Error* FailureOf(const Event& event);

}  // namespace sentiric::process
