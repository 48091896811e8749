// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/pattern_window.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "core/grammar/regular/pattern/pattern_lengths.h"

namespace sentiric::grammar {
namespace {

using Kind = PatternNode::Kind;

// Repetitions over more characters than this become a window.
constexpr std::uint64_t kSpelledOut = 32;

bool IsWholeText(const Pattern& pattern, const std::vector<PatternNodeId>& parts) {
  return !parts.empty() && pattern.nodes[parts.front()].IsAssertion(Assertion::kStart) &&
         pattern.nodes[parts.back()].IsAssertion(Assertion::kEnd);
}

// The only part without a fixed length, or else the longest repetition.
std::optional<PatternNodeId> FindRepetition(
    const Pattern& pattern, const std::vector<PatternNodeId>& parts,
    const std::vector<std::optional<std::uint64_t>>& lengths) {
  std::optional<PatternNodeId> found;
  for (PatternNodeId id : parts) {
    const bool is_variable = !lengths[id];
    const bool have_variable = found && !lengths[*found];
    if (is_variable && have_variable) return std::nullopt;
    if (!is_variable && (have_variable || pattern.nodes[id].kind != Kind::kRepeat)) continue;
    if (is_variable || !found || *lengths[id] > *lengths[*found]) found = id;
  }
  const bool fits = found && pattern.nodes[*found].kind == Kind::kRepeat &&
                    lengths[pattern.nodes[*found].children[0]].value_or(0) > 0;
  return fits ? found : std::nullopt;
}

}  // namespace

LengthWindow TakeWindow(Extent extent, PatternNodeId root, Pattern* pattern) {
  const std::vector<PatternNodeId> parts = TopSequence(*pattern, root);
  if (extent == Extent::kPart && !IsWholeText(*pattern, parts)) return {};
  const std::vector<std::optional<std::uint64_t>> lengths = FixedLengths(*pattern);
  const std::optional<PatternNodeId> found = FindRepetition(*pattern, parts, lengths);
  if (!found) return {};
  PatternNode& repeated = pattern->nodes[*found];
  std::uint64_t others = 0;
  for (PatternNodeId id : parts) others += id == *found ? 0 : *lengths[id];
  const std::uint64_t once = *lengths[repeated.children[0]];
  const bool is_open = repeated.max == PatternNode::kUnlimited;
  const std::uint64_t spelled = once * (is_open ? repeated.min : repeated.max);
  if (spelled <= kSpelledOut || spelled + others >= UINT32_MAX) return {};
  LengthWindow window;
  window.min = static_cast<std::uint32_t>(once * repeated.min + others);
  if (!is_open) window.max = static_cast<std::uint32_t>(once * repeated.max + others);
  repeated.min = 0;
  repeated.max = PatternNode::kUnlimited;
  return window;
}

}  // namespace sentiric::grammar
