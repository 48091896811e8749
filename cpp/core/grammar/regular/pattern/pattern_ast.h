// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/grammar/regular/code_points.h"
#include "core/grammar/regular/nfa.h"

namespace sentiric::grammar {

using PatternNodeId = std::uint32_t;

struct PatternNode {
  enum class Kind : std::uint8_t { kChars, kAssertion, kSequence, kChoice, kRepeat, kLook };
  static constexpr std::uint32_t kUnlimited = UINT32_MAX;

  Kind kind = Kind::kSequence;
  Assertion assertion = Assertion::kStart;
  std::vector<CodeRange> chars;         // kChars: one of these; normalised
  std::vector<PatternNodeId> children;  // kSequence: any number; kChoice: two or more; else one
  std::uint32_t min = 0;                // kRepeat
  std::uint32_t max = 0;                // kRepeat; kUnlimited = no bound
  bool is_behind = false;               // kLook: (?<=...) and (?<!...)
  bool is_negated = false;              // kLook: (?!...) and (?<!...)
  std::size_t offset = 0;               // kLook: in the pattern, in characters

  bool IsAssertion(Assertion which) const { return kind == Kind::kAssertion && assertion == which; }
};

// Groups are what they contain. Children stand before their parents, the root is the last node.
struct Pattern {
  std::vector<PatternNode> nodes;
  PatternNodeId root() const { return static_cast<PatternNodeId>(nodes.size() - 1); }
};

}  // namespace sentiric::grammar
