// SPDX-License-Identifier: AGPL-3.0-only
// Short names for sets of numbers, and which texts they have.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "core/grammar/number/number_texts.h"

namespace sentiric::grammar {

inline Decimal D(std::string_view text) { return Decimal::Parse(text).value(); }

inline NumberSet And(const NumberSet& x, const NumberSet& y) { return Intersection(x, y).value(); }
inline NumberSet Or(const NumberSet& x, const NumberSet& y) { return Union(x, y).value(); }
inline NumberSet Multiples(std::string_view of) { return NumberSet::MultipleOf(D(of)).value(); }
inline NumberSet Between(std::string_view least, std::string_view greatest) {
  return And(NumberSet::AtLeast(D(least)), NumberSet::AtMost(D(greatest)));
}

inline Dfa Texts(const NumberSet& set) {
  const Result<Dfa> texts = NumberTexts(set);
  if (!texts) check::Fail(__FILE__, __LINE__, texts.error().Message());
  return texts ? *texts : Dfa::None();
}

inline void ExpectMatches(const Dfa& texts, const std::vector<std::string>& yes,
                          const std::vector<std::string>& no) {
  for (const std::string& text : yes) {
    if (!EXPECT(texts.Matches(text))) std::printf("    should match: %s\n", text.c_str());
  }
  for (const std::string& text : no) {
    if (!EXPECT(!texts.Matches(text))) std::printf("    should not match: %s\n", text.c_str());
  }
}

}  // namespace sentiric::grammar
