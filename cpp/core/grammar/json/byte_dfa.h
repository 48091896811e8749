// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/regular/dfa.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// The UTF-8 of the texts, as an automaton whose characters are the bytes 0..255: with it, decisions
// can be made inside a character. kInvalidGrammar when it has too many states.
Result<Dfa> Utf8Bytes(const Dfa& texts);

}  // namespace sentiric::grammar
