// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/remainders.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "core/grammar/regular/dfa_builder.h"

namespace sentiric::grammar {
namespace {

// Behind a digit other than 0 in a place that no multiple has.
constexpr DfaState kNoMultiple = kNoState;

constexpr CodePoint Character(std::uint32_t digit) { return '0' + digit; }

// The digits of the multiples of factor × 10^zeros. A state is the remainder by the factor of what
// was read before the zeros at its end, and their number, up to that of the divisor.
Dfa Multiples(std::uint32_t factor, std::uint32_t zeros) {
  DfaBuilder out;
  const auto id = [factor = factor](std::uint32_t remainder, std::uint32_t ending) {
    return ending * factor + remainder;
  };
  for (std::uint32_t i = 0; i < factor * (zeros + 1); ++i) out.AddState(i == id(0, zeros));
  for (std::uint32_t remainder = 0; remainder < factor; ++remainder) {
    std::uint32_t shifted = remainder;
    for (std::uint32_t ending = 0; ending <= zeros; ++ending) {
      shifted = shifted * 10 % factor;
      const DfaState from = id(remainder, ending);
      const bool full = ending == zeros;
      const DfaState zero = full ? id(remainder * 10 % factor, ending) : id(remainder, ending + 1);
      out.AddEdge(from, {'0', '0'}, zero);
      for (std::uint32_t digit = 1; digit < 10; ++digit) {
        const DfaState next = id((shifted + digit) % factor, 0);
        out.AddEdge(from, {Character(digit), Character(digit)}, next);
      }
    }
  }
  return out.Build();
}

Error Refusal(const Decimal& divisor, const std::string& got, std::uint32_t allowed) {
  return {ErrorCode::kInvalidGrammar, "number",
          "too many remainders by " + divisor.Text() + "; got " + got + ", allowed " +
              std::to_string(allowed)};
}

}  // namespace

Result<Remainders> Remainders::Of(const Divisors& divisors) {
  Remainders out;
  for (const Decimal& divisor : divisors.list()) {
    constexpr std::size_t kDigits = 5;  // of kMaxRemainders
    const auto factor = static_cast<std::uint32_t>(std::stoul(divisor.digits().substr(0, kDigits)));
    const auto zeros = static_cast<std::uint32_t>(std::max(0, divisor.exponent()));
    if (divisor.digits().size() > kDigits || factor * (zeros + 1) > kMaxRemainders) {
      return Refusal(divisor, "more", kMaxRemainders);
    }
    Dfa multiples = Multiples(factor, zeros);
    if (multiples.size() > kMaxStates) {
      return Refusal(divisor, std::to_string(multiples.size()), kMaxStates);
    }
    out.divisors_.push_back({divisor.exponent(), std::move(multiples)});
  }
  return out;
}

RemainderState Remainders::NextInteger(RemainderState state, std::uint32_t digit) const {
  for (std::size_t i = 0; i < divisors_.size(); ++i) {
    state[i] = divisors_[i].multiples.Next(state[i], Character(digit));
  }
  return state;
}

RemainderState Remainders::NextFraction(RemainderState state, std::uint32_t digit,
                                        std::int32_t place) const {
  for (std::size_t i = 0; i < divisors_.size(); ++i) {
    if (place <= -divisors_[i].exponent) {
      state[i] = divisors_[i].multiples.Next(state[i], Character(digit));
    } else if (digit != 0) {
      state[i] = kNoMultiple;
    }
  }
  return state;
}

Divisibility Remainders::At(const RemainderState& state, std::int32_t places) const {
  Divisibility out = 0;
  for (std::size_t i = 0; i < divisors_.size(); ++i) {
    const auto& [exponent, multiples] = divisors_[i];
    DfaState at = state[i];
    for (std::int32_t place = places; place < -exponent; ++place) {
      at = multiples.Next(at, '0');
    }
    if (at != kNoMultiple && multiples.accepts(at)) out |= Divisibility{1} << i;
  }
  return out;
}

Divisibility Remainders::OfOneDigit(std::int32_t exponent) const {
  Divisibility out = 0;
  for (std::size_t i = 0; i < divisors_.size(); ++i) {
    if (exponent >= divisors_[i].exponent) out |= Divisibility{1} << i;
  }
  return out;
}

}  // namespace sentiric::grammar
