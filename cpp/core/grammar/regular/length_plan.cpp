// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/length_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/grammar/regular/dfa_algebra.h"

namespace sentiric::grammar {
namespace {

constexpr LengthWindow kNever = {1, 0};
constexpr std::uint64_t kMaxSteps = 30'000'000;  // states × counts looked at

// Up to this size, states instead of a counter.
constexpr std::uint32_t kSmallLength = 16;
constexpr std::uint32_t kSmallStates = 256;

Error Uncountable() {
  return {ErrorCode::kInvalidGrammar, "texts",
          "the lengths that this pattern allows between the length limits are too irregular"};
}

bool IsSmall(const TextSet& set) {
  const std::uint32_t last = set.length.max == kUnlimited ? set.length.min : set.length.max;
  return last <= kSmallLength && set.texts.size() * last <= kSmallStates;
}

// A count at a state is good when some way on ends within the window. Finds, per state, the window
// of counts that tells the good counts from all others with which the state can be reached.
class CountTests {
 public:
  CountTests(const TextSet& set, LengthSets before, LengthSets behind)
      : set_(set), before_(std::move(before)), behind_(std::move(behind)) {}

  // False when the good counts of a state are not one window.
  bool Run(CountedDfa* out) {
    if (!ChooseCounts()) return false;
    *out = Uncounted(set_.texts);
    for (DfaState s = 0; s < set_.texts.size(); ++s) {
      ListLengths(s);
      if (!TestsOf(s, &out->enter[s], &out->accept_min[s])) return false;
    }
    return true;
  }

 private:
  // What holds for a count depends on it only near the beginning and near the bounds of the window;
  // in between it repeats with a common period. So these counts, with a period to each side, stand
  // for all.
  bool ChooseCounts() {
    const std::uint64_t period = std::lcm(before_.period(), behind_.period());
    const std::uint64_t near =
        std::max(before_.first_repeated(), behind_.first_repeated()) + 2 * period + 1;
    if (near > kMaxSteps || 7 * near * set_.texts.size() > kMaxSteps) return false;
    std::vector<std::uint64_t> bounds = {0, set_.length.min};
    if (set_.length.max != kUnlimited) bounds.push_back(set_.length.max);
    for (std::uint64_t bound : bounds) {
      std::uint64_t count = bound < near ? 0 : bound - near;
      if (!counts_.empty()) count = std::max(count, counts_.back() + 1);
      for (; count <= bound + near; ++count) counts_.push_back(count);
    }
    return true;
  }

  // next_[n]: the shortest way from the state to acceptance that has n characters or more.
  void ListLengths(DfaState s) {
    const std::size_t rows = behind_.first_repeated() + behind_.period();
    next_.assign(rows, UINT64_MAX);
    std::uint64_t next = UINT64_MAX;
    for (std::size_t n = rows + behind_.period(); n-- > 0;) {
      if (behind_.Has(s, n)) next = n;
      if (n < rows) next_[n] = next;
    }
  }

  std::uint64_t NextLength(std::uint64_t length) const {
    if (length < next_.size()) return next_[static_cast<std::size_t>(length)];
    const std::uint64_t first = behind_.first_repeated();
    const std::uint64_t row = first + (length - first) % behind_.period();
    const std::uint64_t next = next_[static_cast<std::size_t>(row)];
    return next == UINT64_MAX ? next : next + (length - row);
  }

  bool IsGood(std::uint64_t count) const {
    const LengthWindow window = set_.length;
    if (count > window.max && window.max != kUnlimited) return false;
    const std::uint64_t next = NextLength(count < window.min ? window.min - count : 0);
    return next != UINT64_MAX && (window.max == kUnlimited || count + next <= window.max);
  }

  bool TestsOf(DfaState s, LengthWindow* enter, std::uint32_t* accept_min) const {
    bool any_good = false, bad_behind = false, early = false;
    LengthWindow good;
    for (std::uint64_t count : counts_) {
      if (!before_.Has(s, count)) continue;
      if (!IsGood(count)) {
        bad_behind |= any_good;
        if (!any_good) good.min = kUnlimited;  // there is something to keep out
        continue;
      }
      if (bad_behind) return false;
      if (!any_good && good.min != 0) good.min = static_cast<std::uint32_t>(count);
      any_good = true;
      good.max = static_cast<std::uint32_t>(count);
      early |= count < set_.length.min;
    }
    if (!bad_behind) good.max = kUnlimited;
    *enter = any_good ? good : kNever;
    *accept_min = set_.texts.accepts(s) && early ? set_.length.min : 0;
    return true;
  }

  const TextSet& set_;
  const LengthSets before_, behind_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::uint64_t> next_;  // of the state in hand
};

// Without the states that can never be entered.
Dfa Enterable(const CountedDfa& counted) {
  DfaBuilder builder;
  const Dfa& dfa = counted.texts;
  for (DfaState s = 0; s < dfa.size(); ++s) builder.AddState(dfa.accepts(s));
  for (DfaState s = 0; s < dfa.size(); ++s) {
    for (const DfaEdge& edge : dfa.edges(s)) {
      if (!counted.enter[edge.target].IsEmpty()) builder.AddEdge(s, edge.range, edge.target);
    }
  }
  return builder.Build();
}

Result<CountedDfa> WithoutCounter(const TextSet& set) {
  Result<Dfa> texts = WithoutWindow(set);
  if (!texts) return Uncountable();
  return Uncounted(std::move(*texts));
}

}  // namespace

bool CountedDfa::HasTests() const {
  return std::any_of(enter.begin(), enter.end(), [](LengthWindow x) { return !x.IsAll(); }) ||
         std::any_of(accept_min.begin(), accept_min.end(), [](std::uint32_t x) { return x > 0; });
}

CountedDfa Uncounted(Dfa texts) {
  CountedDfa counted;
  counted.enter.resize(texts.size());
  counted.accept_min.resize(texts.size());
  counted.texts = std::move(texts);
  return counted;
}

Result<CountedDfa> Counted(const TextSet& given) {
  for (TextSet set = Simplify(given);; set = Simplify(set)) {
    if (set.length.IsAll()) return Uncounted(set.texts);
    if (IsSmall(set)) return WithoutCounter(set);
    std::optional<LengthSets> before = LengthSets::ToStates(set.texts);
    std::optional<LengthSets> behind = LengthSets::FromStates(set.texts);
    CountedDfa counted;
    if (!before || !behind ||
        !CountTests(set, std::move(*before), std::move(*behind)).Run(&counted)) {
      return WithoutCounter(set);
    }
    const bool has_unreachable = std::any_of(counted.enter.begin(), counted.enter.end(),
                                             [](LengthWindow x) { return x.IsEmpty(); });
    if (!has_unreachable) return counted;
    set.texts = Enterable(counted);
  }
}

}  // namespace sentiric::grammar
