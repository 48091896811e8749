// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/number_reader.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {
NumberReader::NumberReader(const NumberPieces& pieces, Remainders remainders)
    : limits_(SpellingLimits::For(pieces)), remainders_(std::move(remainders)), line_(pieces) {}

NumberReader::State NumberReader::Start() const {
  State state;
  state.digits = line_.order().Start();
  state.remainders = remainders_.Start();
  return state;
}

std::optional<NumberReader::State> NumberReader::Minus(const State& state) const {
  if (state.phase != kStart) return std::nullopt;
  State next = state;
  next.phase = kMinus;
  next.negative = 1;
  return next;
}

std::optional<NumberReader::State> NumberReader::Point(const State& state) const {
  if (state.phase != kZero && state.phase != kInteger) return std::nullopt;
  State next = state;
  next.phase = kFraction;
  if (next.piece != kOpen) next.magnitude = 0;
  return Settled(next);
}

std::optional<NumberReader::State> NumberReader::Digit(const State& state,
                                                       std::uint32_t digit) const {
  State next = state;
  if (state.phase == kFraction) {
    if (++next.fraction > std::max(limits_.fraction_digits, limits_.mantissa_digits)) {
      return std::nullopt;
    }
    if (!state.nonzero && digit != 0) next.magnitude = 1 - next.fraction;
    next.remainders = remainders_.NextFraction(state.remainders, digit, next.fraction);
  } else {
    if (state.phase == kZero) return std::nullopt;
    next.phase = digit == 0 && state.phase != kInteger ? kZero : kInteger;
    if (next.phase == kInteger && ++next.magnitude > limits_.integer_digits) return std::nullopt;
    next.remainders = remainders_.NextInteger(state.remainders, digit);
  }
  if (digit != 0) next.nonzero = 1;
  if (next.nonzero && state.piece == kOpen) {
    next.digits = line_.order().Next(state.digits, static_cast<char>('0' + digit));
  }
  return Settled(next);
}

// Whether the text is plain and has all its parts.
bool NumberReader::MayEnd(const State& state) const {
  switch (state.phase) {
    case kStart:
    case kMinus: return false;
    case kZero:
    case kInteger: return true;
    case kFraction: return state.fraction > 0 && state.fraction <= limits_.fraction_digits;
  }
  return false;
}

bool NumberReader::Accepts(const State& state) const {
  if (!MayEnd(state)) return false;
  if (!state.nonzero) return line_.ContainsZero();
  const std::size_t piece = state.piece != kOpen ? state.piece
                                                 : line_.Piece(state.negative != 0, state.magnitude,
                                                               line_.order().Rank(state.digits));
  return line_.Contains(piece, remainders_.At(state.remainders, state.fraction));
}

// Whether digits of the fraction may still lead to an exponent.
bool NumberReader::ExponentMayFollow(const State& state) const {
  return limits_.exponents && state.nonzero && state.magnitude == 1 &&
         state.fraction <= limits_.mantissa_digits;
}

bool NumberReader::AllowsExponent(const State& state) const {
  return ExponentMayFollow(state) && (state.phase == kInteger || state.fraction > 0);
}

bool NumberReader::AcceptsWithExponent(const State& state, std::int32_t exponent) const {
  const std::uint32_t rank = line_.order().Rank(state.digits);
  const std::size_t piece = line_.Piece(state.negative != 0, exponent + 1, rank);
  return line_.Contains(piece, remainders_.OfOneDigit(exponent));
}

// Forgets what does not matter any more.
std::optional<NumberReader::State> NumberReader::Settled(State state) const {
  if (!state.nonzero || state.piece != kOpen) return state;
  if (ExponentMayFollow(state)) return state;
  NumberLine::PieceRange range = line_.Pieces(state.negative != 0, state.magnitude, state.digits);
  bool empty = line_.IsEmpty(range);
  if (state.phase == kInteger) {
    for (std::int32_t size = state.magnitude + 1; size <= limits_.integer_digits; ++size) {
      const NumberLine::PieceRange more = line_.Pieces(state.negative != 0, size, state.digits);
      range = {std::min(range.first, more.first), std::max(range.last, more.last)};
      empty = empty && line_.IsEmpty(more);
    }
  }
  if (empty) return std::nullopt;
  if (range.first < range.last) return state;
  state.piece = static_cast<std::uint32_t>(range.first);
  state.negative = 0;
  state.digits = {};
  if (state.phase == kFraction) state.magnitude = 0;
  return state;
}

}  // namespace sentiric::grammar
