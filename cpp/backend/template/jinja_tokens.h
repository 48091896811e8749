// SPDX-License-Identifier: AGPL-3.0-only
// A look at a template's tokens before llama.cpp's recursive parser runs.
#pragma once

#include "jinja/lexer.h"
#include "sentiric/error.h"

namespace sentiric::backend {

// Number, nesting and length of tokens (JinjaLimits); nullopt when the parser may have them.
Status CheckTokens(const jinja::lexer_result& tokens);

}  // namespace sentiric::backend
