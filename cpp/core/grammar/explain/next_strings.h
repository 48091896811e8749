// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/grammar/automaton/matcher.h"

namespace sentiric::grammar {

// How a JSON string is spelled.
enum class Spelling {
  kOnly,   // the name of a member: in one way
  kUsual,  // a value: in several ways, of which \uXXXX and \/ are left out
};

// The JSON strings that may come, each without its quotes, in the order of their bytes. The matcher
// stands behind the opening quote. nullopt when there are more than `max_strings`, when they are
// too many to look at, or when the matcher fails (see Matcher::error()).
std::optional<std::vector<std::string>> NextStrings(const Matcher& matcher, Spelling spelling,
                                                    std::size_t max_strings);

}  // namespace sentiric::grammar
