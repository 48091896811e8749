// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/dfa_builder.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// The texts that contain none of the parts, which are UTF-8 and not empty: the states are the
// beginnings of parts (Aho & Corasick 1975). kInvalidGrammar over the limits, which is known before
// anything large is built.
Result<Dfa> TextsWithout(const std::vector<std::string>& parts, const DfaLimits& limits = {});

}  // namespace sentiric::grammar
