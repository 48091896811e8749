// SPDX-License-Identifier: AGPL-3.0-only
// Checks a template's tokens before llama.cpp's recursive parser runs.
#pragma once

#include "jinja/lexer.h"
#include "sentiric/error.h"

namespace sentiric::backend {

// Checks number, nesting and length of the tokens (JinjaLimits); nullopt when the parser may run.
Status CheckTokens(const jinja::lexer_result& tokens);

}  // namespace sentiric::backend
