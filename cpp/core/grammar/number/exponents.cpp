// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/number/exponents.h"

#include <cstddef>

namespace sentiric::grammar {
namespace {

// Of what is allowed, what is after a digit: a tenth of the texts of each length.
std::string After(std::size_t digit, const std::string& allowed) {
  std::string out;
  for (std::size_t begin = 1, size = 1; begin < allowed.size(); begin += 10 * size, size *= 10) {
    out += allowed.substr(begin + digit * size, size);
  }
  return out;
}

}  // namespace

DfaState ExponentWriter::Rest(const std::string& allowed) {
  if (allowed.find('1') == std::string::npos) return kNoState;
  const auto known = states_.find(allowed);
  if (known != states_.end()) return known->second;
  const DfaState state = out_->AddState(allowed[0] == '1');
  for (std::size_t digit = 0; digit < 10 && allowed.size() > 1; ++digit) {
    const DfaState next = Rest(After(digit, allowed));
    const auto c = static_cast<CodePoint>('0' + digit);
    if (next != kNoState) out_->AddEdge(state, {c, c}, next);
  }
  states_.emplace(allowed, state);
  return state;
}

DfaState ExponentWriter::Sign(const std::string& plus, const std::string& minus) {
  const DfaState positive = Rest(plus);
  const DfaState negative = Rest(minus);
  if (positive == kNoState && negative == kNoState) return kNoState;
  const auto [known, added] = states_.try_emplace(plus + minus, kNoState);
  if (!added) return known->second;
  const DfaState state = known->second = out_->AddState();
  if (negative != kNoState) out_->AddEdge(state, {'-', '-'}, negative);
  if (positive == kNoState) return state;
  out_->AddEdge(state, {'+', '+'}, positive);
  for (std::size_t digit = 0; digit < 10; ++digit) {
    const DfaState next = Rest(After(digit, plus));
    const auto c = static_cast<CodePoint>('0' + digit);
    if (next != kNoState) out_->AddEdge(state, {c, c}, next);
  }
  return state;
}

}  // namespace sentiric::grammar
