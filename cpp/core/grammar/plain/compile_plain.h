// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/grammar/automaton/grammar.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Texts that the whole of an ECMA-262 regular expression matches. Errors: kInvalidGrammar at
// "regex", see pattern.h. Any thread.
Result<std::shared_ptr<const Grammar>> CompileRegex(std::string_view pattern);

// One of the texts, which are UTF-8. Errors: kInvalidGrammar at "choice" when there is none. Any
// thread.
Result<std::shared_ptr<const Grammar>> CompileChoice(const std::vector<std::string>& texts);

}  // namespace sentiric::grammar
