// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>

#include "core/grammar/automaton/grammar.h"
#include "sentiric/error.h"
#include "sentiric/types.h"

namespace sentiric::grammar {

// The grammar that a request asks for; kNone is refused. Errors: kInvalidGrammar at the place in
// the text. Any thread.
Result<std::shared_ptr<const Grammar>> Compile(const GrammarSpec& spec);

}  // namespace sentiric::grammar
