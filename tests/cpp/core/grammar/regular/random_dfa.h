// SPDX-License-Identifier: AGPL-3.0-only
// Random automata and all short texts, to compare operations with their definition.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/dfa_builder.h"

namespace sentiric::grammar {

// The letters are spread over the lengths of UTF-8 and over both sides of the surrogates.
inline const std::vector<CodePoint>& Letters() {
  static const std::vector<CodePoint> letters = {'a', 'b', 0xE000, 0x1F600};
  return letters;
}

using Random = std::mt19937;
inline std::uint32_t Below(std::uint32_t n, Random* random) {
  return static_cast<std::uint32_t>((*random)() % n);
}

// Up to `max_states` states over the first `num_letters` letters.
inline Dfa RandomDfa(std::uint32_t max_states, std::uint32_t num_letters, Random* random) {
  DfaBuilder builder;
  const std::uint32_t num_states = 1 + Below(max_states, random);
  for (std::uint32_t s = 0; s < num_states; ++s) builder.AddState(Below(3, random) == 0);
  for (std::uint32_t s = 0; s < num_states; ++s) {
    for (std::uint32_t i = 0; i < num_letters; ++i) {
      const CodePoint c = Letters()[i];
      if (Below(3, random) > 0) builder.AddEdge(s, {c, c}, Below(num_states, random));
    }
  }
  return builder.Build();
}

inline std::vector<std::string> AllTexts(std::uint32_t num_letters, std::size_t max_length) {
  std::vector<std::string> texts = {""};
  std::size_t first = 0;
  for (std::size_t length = 1; length <= max_length; ++length) {
    const std::size_t last = texts.size();
    for (; first < last; ++first) {
      for (std::uint32_t i = 0; i < num_letters; ++i) {
        std::string longer = texts[first];
        AppendUtf8(Letters()[i], &longer);
        texts.push_back(std::move(longer));
      }
    }
  }
  return texts;
}

inline std::size_t NumChars(const std::string& text) {
  std::vector<CodePoint> chars;
  DecodeAll(text, &chars);
  return chars.size();
}

}  // namespace sentiric::grammar
