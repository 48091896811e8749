// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/look_around.h"

#include <algorithm>
#include <optional>
#include <string>

#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/pattern/other_dialects.h"
#include "core/grammar/regular/pattern/pattern_lengths.h"

namespace sentiric::grammar {
namespace {

using Kind = PatternNode::Kind;

bool IsLook(const PatternNode& node) { return node.kind == Kind::kLook; }

// Of one direction; `parts` begin at the end of the text that it counts from.
void Take(bool is_behind, Extent extent, const std::vector<PatternNodeId>& parts, Pattern* pattern,
          std::vector<LookAround>* looks) {
  const Assertion end = is_behind ? Assertion::kEnd : Assertion::kStart;
  if (parts.empty()) return;
  if (extent == Extent::kPart && !pattern->nodes[parts.front()].IsAssertion(end)) return;
  const std::vector<std::optional<std::uint64_t>> lengths = FixedLengths(*pattern);
  std::uint64_t distance = 0;
  for (PatternNodeId id : parts) {
    PatternNode& node = pattern->nodes[id];
    if (!lengths[id]) return;
    distance += *lengths[id];
    if (!IsLook(node) || node.is_behind != is_behind) continue;
    looks->push_back({node.children[0], is_behind, node.is_negated, distance});
    node = PatternNode();  // an empty sequence
  }
}

}  // namespace

bool HasLookAround(const Pattern& pattern) {
  return std::any_of(pattern.nodes.begin(), pattern.nodes.end(), IsLook);
}

std::vector<LookAround> TakeLookArounds(Extent extent, PatternNodeId root, Pattern* pattern) {
  std::vector<LookAround> looks;
  std::vector<PatternNodeId> parts = TopSequence(*pattern, root);
  Take(false, extent, parts, pattern, &looks);
  std::reverse(parts.begin(), parts.end());
  Take(true, extent, parts, pattern, &looks);
  return looks;
}

Status CheckNoLookAround(const Pattern& pattern) {
  const auto left = std::find_if(pattern.nodes.begin(), pattern.nodes.end(), IsLook);
  if (left == pattern.nodes.end()) return std::nullopt;
  const std::string what = left->is_behind ? "look-behind" : "look-ahead";
  const std::string allowed = left->is_behind ? "before $, with parts of fixed length between them"
                                              : "behind ^, with parts of fixed length between them";
  return Error{ErrorCode::kInvalidGrammar, "pattern",
               what + PlaceInPattern(left->offset) + " is not supported there; allowed " + allowed};
}

Result<Dfa> TextsOf(const LookAround& look, const Pattern& pattern) {
  PatternNfa nfa(pattern);
  NfaState start = nfa.Match();
  if (look.is_behind) {
    start = nfa.AnyChars(look.distance, nfa.Assert(Assertion::kEnd, start));
    start = nfa.Node(look.body, start);
  } else {
    start = nfa.AnyChars(look.distance, nfa.Node(look.body, start));
    start = nfa.Assert(Assertion::kStart, start);
  }
  const Result<Dfa> texts = nfa.Texts(start, Extent::kPart);
  return texts && look.is_negated ? Complement(*texts) : texts;
}

}  // namespace sentiric::grammar
