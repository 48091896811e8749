// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/text_set.h"

#include <utility>

#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/length_plan.h"

namespace sentiric::grammar {
namespace {

const TextSet& Nothing() {
  static const TextSet nothing = {Dfa::None(), {}};
  return nothing;
}

// All texts in the window, as states.
Result<Dfa> OfLengths(LengthWindow window, const DfaLimits& limits) {
  const bool is_open = window.max == kUnlimited;
  const std::uint32_t last = is_open ? window.min : window.max;
  if (last >= limits.states) return TooMany("states", last, limits.states);
  DfaBuilder builder;
  for (std::uint32_t i = 0; i <= last; ++i) {
    builder.AddState(i >= window.min);
    if (i > 0) builder.AddEdge(i - 1, {0, kMaxCodePoint}, i);
  }
  if (is_open) builder.AddEdge(last, {0, kMaxCodePoint}, last);
  return builder.Build();
}

// Moves the bounds to lengths that texts have. False when there are none in the window.
bool Tighten(const LengthSets& lengths, LengthWindow* window) {
  const auto min = lengths.NotBelow(Dfa::start(), window->min);
  if (!min || *min > window->max) return false;
  window->min = static_cast<std::uint32_t>(*min);
  if (window->max == kUnlimited) return true;
  window->max = static_cast<std::uint32_t>(*lengths.NotAbove(Dfa::start(), window->max));
  return true;
}

}  // namespace

bool Contains(const TextSet& set, std::string_view utf8) {
  std::vector<CodePoint> chars;
  if (!DecodeAll(utf8, &chars) || !set.length.Contains(chars.size())) return false;
  DfaState state = Dfa::start();
  for (CodePoint c : chars) state = set.texts.Next(state, c);
  return state != kNoState && set.texts.accepts(state);
}

bool IsEmpty(const TextSet& set) {
  if (set.texts.IsEmpty() || set.length.IsEmpty()) return true;
  const std::uint32_t shortest = MinLengths(set.texts)[Dfa::start()];
  if (shortest > set.length.max) return true;
  if (shortest >= set.length.min) return false;
  const std::uint32_t longest = MaxLengths(set.texts)[Dfa::start()];
  if (longest < set.length.min) return true;
  if (longest <= set.length.max) return false;
  LengthWindow window = set.length;
  const std::optional<LengthSets> lengths = LengthSets::FromStates(set.texts);
  return lengths && !Tighten(*lengths, &window);
}

Result<TextSet> Intersection(const TextSet& x, const TextSet& y, const DfaLimits& limits) {
  Result<Dfa> texts = Intersection(x.texts, y.texts, limits);
  if (!texts) return texts.error();
  return Simplify({std::move(*texts), Intersection(x.length, y.length)});
}

Result<std::vector<TextSet>> Complement(const TextSet& set, const DfaLimits& limits) {
  Result<Dfa> texts = Complement(set.texts, limits);
  if (!texts) return texts.error();
  std::vector<TextSet> sets;
  if (!texts->IsEmpty()) sets.push_back({std::move(*texts), {}});
  if (set.length.min > 0) sets.push_back({Dfa::All(), {0, set.length.min - 1}});
  if (set.length.max != kUnlimited) {
    sets.push_back({Dfa::All(), {set.length.max + 1, kUnlimited}});
  }
  return sets;
}

TextSet Simplify(const TextSet& set) {
  if (set.texts.IsEmpty() || set.length.IsEmpty()) return Nothing();
  if (set.length.IsAll()) return set;
  const std::uint32_t shortest = MinLengths(set.texts)[Dfa::start()];
  const std::uint32_t longest = MaxLengths(set.texts)[Dfa::start()];
  if (shortest > set.length.max || longest < set.length.min) return Nothing();
  LengthWindow window = set.length;
  if (shortest < window.min || longest > window.max) {
    const std::optional<LengthSets> lengths = LengthSets::FromStates(set.texts);
    if (lengths && !Tighten(*lengths, &window)) return Nothing();
  }
  if (window.min <= shortest) window.min = 0;
  if (window.max >= longest) window.max = kUnlimited;
  if (longest != UINT32_MAX && !window.IsAll()) {
    if (Result<Dfa> texts = WithoutWindow({set.texts, window})) return {std::move(*texts), {}};
  }
  return {set.texts, window};
}

Result<Dfa> WithoutWindow(const TextSet& set, const DfaLimits& limits) {
  if (set.length.IsEmpty()) return Dfa::None();
  if (set.length.IsAll()) return set.texts;
  Result<Dfa> lengths = OfLengths(set.length, limits);
  if (!lengths) return lengths.error();
  return Intersection(set.texts, *lengths, limits);
}

std::optional<std::uint64_t> CountWords(const TextSet& set) {
  const Result<Dfa> texts = WithoutWindow(set);
  return texts ? CountWords(*texts) : std::nullopt;
}

}  // namespace sentiric::grammar
