// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/number_texts.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/grammar/number/exponents.h"
#include "core/grammar/number/number_reader.h"
#include "core/grammar/number/remainders.h"
#include "core/grammar/number/rounding.h"
#include "core/grammar/number/spelling_limits.h"
#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/dfa_builder.h"

namespace sentiric::grammar {
namespace {

constexpr std::size_t kListedNumbers = 1000;  // of a finite set, where divisors are too much
constexpr DfaLimits kLimits = {50'000, 600'000};
constexpr int kCanonicalDigits = 15;

// Writes the states of a reader, which are found from the start, as those of an automaton.
class TextsWriter {
 public:
  explicit TextsWriter(const NumberReader& reader) : reader_(reader), exponents_(&out_) {}

  Result<Dfa> Write() {
    StateOf(reader_.Start());
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const auto [from, state] = open_[i];
      WriteEdges(from, state);
      if (Status refusal = out_.Check(kLimits)) {
        return Error{refusal->code, "number", std::move(refusal->what)};
      }
    }
    return out_.Build();
  }

 private:
  using State = NumberReader::State;
  static_assert(std::has_unique_object_representations_v<State>);

  struct Hash {
    std::size_t operator()(const State& state) const {
      std::uint32_t words[sizeof(State) / sizeof(std::uint32_t)];
      std::memcpy(words, &state, sizeof(state));
      std::uint64_t hash = 0;
      for (const std::uint32_t word : words) {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
        hash ^= hash >> 29;
      }
      return static_cast<std::size_t>(hash);
    }
  };
  struct Equal {
    bool operator()(const State& x, const State& y) const {
      return std::memcmp(&x, &y, sizeof(State)) == 0;
    }
  };

  DfaState StateOf(const State& state) {
    const auto [known, added] = states_.try_emplace(state, 0);
    if (added) {
      known->second = out_.AddState(reader_.Accepts(state));
      open_.emplace_back(known->second, state);
    }
    return known->second;
  }

  void AddEdge(DfaState from, char c, const std::optional<State>& to) {
    const auto code_point = static_cast<CodePoint>(c);
    if (to) out_.AddEdge(from, {code_point, code_point}, StateOf(*to));
  }

  // Digits in a row mostly lead to one state.
  void WriteDigits(DfaState from, const State& state) {
    std::optional<State> to = reader_.Digit(state, 0);
    for (CodePoint first = '0', c = first; c <= '9'; ++c) {
      std::optional<State> next;
      if (c < '9') next = reader_.Digit(state, c + 1 - '0');
      if (c < '9' && to.has_value() == next.has_value() && (!to || Equal()(*to, *next))) continue;
      if (to) out_.AddEdge(from, {first, c}, StateOf(*to));
      to = next;
      first = c + 1;
    }
  }

  void WriteEdges(DfaState from, const State& state) {
    AddEdge(from, '-', reader_.Minus(state));
    AddEdge(from, '.', reader_.Point(state));
    WriteDigits(from, state);
    if (!reader_.AllowsExponent(state)) return;
    const DfaState target = Exponent(state);
    if (target == kNoState) return;
    out_.AddEdge(from, {'e', 'e'}, target);
    out_.AddEdge(from, {'E', 'E'}, target);
  }

  DfaState Exponent(const State& state) {
    const auto [known, added] =
        exponent_states_.try_emplace({state.negative, reader_.Rank(state)}, kNoState);
    if (added) {
      known->second = exponents_.Write(
          [&](std::int32_t exponent) { return reader_.AcceptsWithExponent(state, exponent); });
    }
    return known->second;
  }

  const NumberReader& reader_;
  DfaBuilder out_;
  ExponentWriter exponents_;
  std::unordered_map<State, DfaState, Hash, Equal> states_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, DfaState> exponent_states_;
  std::vector<std::pair<DfaState, State>> open_;
};

Result<Dfa> WriteWithRemainders(const NumberSet& set) {
  Result<Remainders> remainders = Remainders::Of(set.pieces().divisors);
  if (!remainders) return remainders.error();
  const NumberReader reader(set.pieces(), std::move(*remainders));
  return TextsWriter(reader).Write();
}

Result<Dfa> Write(const NumberSet& set) {
  Result<Dfa> texts = WriteWithRemainders(set);
  if (texts) return texts;
  std::optional<std::vector<Decimal>> values = set.Values(kListedNumbers);
  if (!values) return texts;
  return WriteWithRemainders(NumberSet::OfAll(std::move(*values)).value());
}

void AddDigits(DfaState from, char first, char last, DfaState to, DfaBuilder* out) {
  out->AddEdge(from, {static_cast<CodePoint>(first), static_cast<CodePoint>(last)}, to);
}

// -?\d+
Dfa IntegerShape() {
  DfaBuilder out;
  const DfaState start = out.AddState();
  const DfaState minus = out.AddState();
  const DfaState integer = out.AddState(true);
  AddDigits(start, '-', '-', minus, &out);
  for (const DfaState from : {start, minus, integer}) AddDigits(from, '0', '9', integer, &out);
  return out.Build();
}

const Dfa& IntegerTexts() {
  static const Dfa* const texts = new Dfa(IntegerShape());
  return *texts;
}

// The texts of integers among `integers` and the other texts among `others`.
Result<Dfa> Joined(const Dfa& integers, const Dfa& others) {
  const Result<Dfa> left = Intersection(integers, IntegerTexts(), kLimits);
  const Result<Dfa> right = Difference(others, IntegerTexts(), kLimits);
  if (!left || !right) return left ? right : left;
  return Union(*left, *right, kLimits);
}

Error NoText() {
  return {ErrorCode::kInvalidGrammar, "number",
          "all of its numbers need more digits than are written, or differ from a bound that is "
          "excluded by less than a double can tell"};
}

// The texts of integers and fractions from their first digit that is not 0, up to kCanonicalDigits
// of them. `start` and `minus` are followed by the integer, `zeros` is that of 0 and its point.
void AddCanonicalDigits(DfaState start, DfaState minus, DfaState zeros, DfaBuilder* out) {
  DfaState integer = kNoState, fraction = kNoState, ending = kNoState;
  for (int i = 0; i < kCanonicalDigits; ++i) {
    const DfaState last_integer = std::exchange(integer, out->AddState(true));
    const DfaState last_fraction = std::exchange(fraction, out->AddState(true));
    const DfaState last_ending = std::exchange(ending, out->AddState());  // in a point or a 0
    AddDigits(integer, '.', '.', ending, out);
    if (i == 0) {
      AddDigits(start, '1', '9', integer, out);
      AddDigits(minus, '1', '9', integer, out);
      AddDigits(zeros, '1', '9', fraction, out);
      continue;
    }
    AddDigits(last_integer, '0', '9', integer, out);
    for (const DfaState from : {last_fraction, last_ending}) {
      AddDigits(from, '0', '0', ending, out);
      AddDigits(from, '1', '9', fraction, out);
    }
  }
}

// -?(0|[1-9]\d*)(\.\d*[1-9])?, but -0.
Dfa CanonicalShape() {
  DfaBuilder out;
  const DfaState start = out.AddState();
  const DfaState minus = out.AddState();
  const DfaState zero = out.AddState(true);
  const DfaState minus_zero = out.AddState();
  const DfaState zeros = out.AddState();  // behind the point of 0
  AddDigits(start, '-', '-', minus, &out);
  AddDigits(start, '0', '0', zero, &out);
  AddDigits(minus, '0', '0', minus_zero, &out);
  AddDigits(zero, '.', '.', zeros, &out);
  AddDigits(minus_zero, '.', '.', zeros, &out);
  AddDigits(zeros, '0', '0', zeros, &out);
  AddCanonicalDigits(start, minus, zeros, &out);
  return out.Build();
}

// Plain numbers of up to kExactDigits digits.
Dfa FewDigits() {
  constexpr auto kMost = static_cast<DfaState>(SpellingLimits::kExactDigits);
  DfaBuilder builder;
  const DfaState start = builder.AddState();
  const DfaState minus = builder.AddState();
  builder.AddEdge(start, {'-', '-'}, minus);
  // By number of digits, before and behind the point.
  std::vector<DfaState> whole = {minus}, fraction = {kNoState};
  for (DfaState digits = 1; digits <= kMost; ++digits) {
    whole.push_back(builder.AddState(true));
    fraction.push_back(builder.AddState(true));
  }
  builder.AddEdge(start, {'0', '9'}, whole[1]);
  for (DfaState digits = 0; digits < kMost; ++digits) {
    builder.AddEdge(whole[digits], {'0', '9'}, whole[digits + 1]);
    if (digits == 0) continue;
    const DfaState point = builder.AddState();
    builder.AddEdge(whole[digits], {'.', '.'}, point);
    builder.AddEdge(point, {'0', '9'}, fraction[digits + 1]);
    builder.AddEdge(fraction[digits], {'0', '9'}, fraction[digits + 1]);
  }
  return std::move(builder).Build();
}

// Whether it is whole numbers, and not only a few that were listed.
bool IsRangeOfIntegers(const NumberSet& set) {
  const auto& between = set.pieces().between;
  if (std::all_of(between.begin(), between.end(), [](auto table) { return table == 0; }))
    return false;
  const Result<NumberSet> others = Intersection(set, Complement(NumberSet::Integers()));
  return others.ok() && others->IsEmpty();
}

Result<Dfa> AllTexts(const NumberSet& set) {
  const Result<NumberSet> integers = WithRoundingMargins(set, ReadAs::kInteger);
  if (!integers) return integers.error();
  Result<Dfa> texts = Write(*integers);
  if (texts.ok() && IsRangeOfIntegers(set)) {
    // Many readers of integers take no point and no exponent.
    Result<Dfa> plain = Intersection(*texts, IntegerTexts(), kLimits);
    if (!plain.ok() || !plain->IsEmpty()) return plain;  // else all are too large for that
  }
  const Result<NumberSet> doubles = WithRoundingMargins(set, ReadAs::kDouble);
  if (!doubles) return doubles.error();
  if (texts.ok() && integers->pieces().breaks != doubles->pieces().breaks) {
    const Result<Dfa> others = Write(*doubles);
    texts = others ? Joined(*texts, *others) : others;
  }
  if (texts.ok() && SpellingLimits::For(set.pieces()).few_digits) {
    static const Dfa* const few = new Dfa(FewDigits());
    texts = Intersection(*texts, *few, kLimits);
  }
  if (texts.ok() && texts->IsEmpty() && !set.IsEmpty()) return NoText();
  return texts;
}

}  // namespace

// Most sets are one of three.
Result<Dfa> NumberTexts(const NumberSet& set) {
  if (set.IsEmpty()) return Dfa::None();
  static const auto* const all = new Result<Dfa>(AllTexts(NumberSet::All()));
  if (set.IsAll()) return *all;
  static const NumberSet* const integer_set = new NumberSet(NumberSet::Integers());
  static const auto* const integers = new Result<Dfa>(AllTexts(*integer_set));
  const bool is_unbounded = set.pieces().breaks.empty();
  return is_unbounded && set == *integer_set ? *integers : AllTexts(set);
}

Result<Dfa> CanonicalNumberTexts(const NumberSet& set) {
  const Result<Dfa> all = NumberTexts(set);
  if (!all) return all.error();
  static const Dfa* const shape = new Dfa(CanonicalShape());
  Result<Dfa> texts = Intersection(*all, *shape, kLimits);
  if (texts.ok() && texts->IsEmpty() && !set.IsEmpty()) return NoText();
  return texts;
}

}  // namespace sentiric::grammar
