// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/pattern_nfa.h"

namespace sentiric::grammar {
namespace {

using Kind = PatternNode::Kind;

constexpr std::size_t kMaxStates = 200'000;

}  // namespace

PatternNfa::PatternNfa(const Pattern& pattern) : pattern_(pattern) {
  for (const PatternNode& node : pattern.nodes) {
    set_of_.push_back(node.kind == Kind::kChars ? nfa_.AddSet(node.chars) : 0);
  }
}

bool PatternNfa::is_over() const { return nfa_.size() > kMaxStates; }

NfaState PatternNfa::AnyChars(std::uint64_t count, NfaState next) {
  const std::uint32_t all = nfa_.AddSet(Normalize({{0, kMaxCodePoint}}));
  for (; count > 0 && !is_over(); --count) next = nfa_.Chars(all, next);
  return next;
}

NfaState PatternNfa::Node(PatternNodeId id, NfaState next) {
  const PatternNode& node = pattern_.nodes[id];
  if (is_over()) return next;
  switch (node.kind) {
    case Kind::kChars: return nfa_.Chars(set_of_[id], next);
    case Kind::kAssertion: return nfa_.Assert(node.assertion, next);
    case Kind::kRepeat: return Repeat(node, next);
    case Kind::kSequence:
      for (auto i = node.children.rbegin(); i != node.children.rend(); ++i) next = Node(*i, next);
      return next;
    case Kind::kLook: return next;  // taken out before (see look_around.h)
    case Kind::kChoice: break;
  }
  NfaState start = Node(node.children[0], next);
  for (std::size_t i = 1; i < node.children.size(); ++i) {
    start = nfa_.Split(Node(node.children[i], next), start);
  }
  return start;
}

NfaState PatternNfa::Repeat(const PatternNode& node, NfaState next) {
  const PatternNodeId body = node.children[0];
  NfaState start = next;
  std::uint32_t required = node.min;
  if (node.max == PatternNode::kUnlimited) {
    const NfaState loop = nfa_.Split(next, next);
    const NfaState first = Node(body, loop);
    nfa_[loop].next = first;
    start = required > 0 ? first : loop;
    if (required > 0) --required;
  } else {
    for (std::uint32_t i = node.min; i < node.max && !is_over(); ++i) {
      start = nfa_.Split(Node(body, start), next);
    }
  }
  for (; required > 0; --required) {
    const NfaState before = start;
    start = Node(body, start);
    if (start == before) break;  // takes nothing, or there is too much already
  }
  return start;
}

Result<Dfa> PatternNfa::Texts(NfaState start, Extent extent) const {
  if (is_over()) return TooMany("repetitions in the pattern", nfa_.size(), kMaxStates);
  return Determinize(nfa_, start, extent);
}

}  // namespace sentiric::grammar
