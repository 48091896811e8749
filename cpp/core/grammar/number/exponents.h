// SPDX-License-Identifier: AGPL-3.0-only
// The ends of texts that have an exponent.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/grammar/number/spelling_limits.h"
#include "core/grammar/regular/dfa_builder.h"

namespace sentiric::grammar {

// Adds states for the text behind "e": an optional sign and up to three digits.
class ExponentWriter {
 public:
  explicit ExponentWriter(DfaBuilder* out) : out_(out) {}

  // The state behind "e" when `accepts(exponent)` tells which exponents are allowed; kNoState when
  // none is.
  template <typename Accepts>
  DfaState Write(const Accepts& accepts) {
    return Sign(Digits(accepts, 1), Digits(accepts, -1));
  }

 private:
  static constexpr std::int32_t kMax = SpellingLimits::kMaxExponent;
  static constexpr std::size_t kDigits = 3;

  // All texts of up to kDigits digits, the shorter before the longer ones, in the order of their
  // values: '1' for those that are allowed.
  template <typename Accepts>
  static std::string Digits(const Accepts& accepts, std::int32_t sign) {
    std::string values(1000, '0');
    for (std::int32_t i = 0; i <= kMax; ++i) {
      if (accepts(sign * i)) values[static_cast<std::size_t>(i)] = '1';
    }
    std::string out = "0";
    for (std::size_t end = 10; end <= values.size(); end *= 10) out.append(values, 0, end);
    return out;
  }

  DfaState Sign(const std::string& plus, const std::string& minus);
  DfaState Rest(const std::string& allowed);  // recursive, up to kDigits deep

  DfaBuilder* out_;
  std::unordered_map<std::string, DfaState> states_;  // by what may follow
};

}  // namespace sentiric::grammar
