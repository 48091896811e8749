// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/grammar/regular/pattern/pattern_ast.h"

namespace sentiric::grammar {

// By node: the length of all its texts, nullopt where they differ. Saturates at UINT32_MAX.
std::vector<std::optional<std::uint64_t>> FixedLengths(const Pattern& pattern);

// The parts that follow each other below `root`.
std::vector<PatternNodeId> TopSequence(const Pattern& pattern, PatternNodeId root);

}  // namespace sentiric::grammar
