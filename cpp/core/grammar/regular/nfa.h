// SPDX-License-Identifier: AGPL-3.0-only
// Nondeterministic automata with assertions, and their deterministic equivalents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/dfa_builder.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// What must hold between two characters; both ends of the text count as neither word character.
enum class Assertion : std::uint8_t { kStart, kEnd, kWordBoundary, kNotWordBoundary };

using NfaState = std::uint32_t;

// Thompson's construction (1968).
class Nfa {
 public:
  enum class Kind : std::uint8_t { kMatch, kChars, kSplit, kAssertion };
  struct State {
    Kind kind = Kind::kMatch;
    Assertion assertion = Assertion::kStart;
    std::uint32_t chars = 0;  // kChars: index of a set of characters
    NfaState next = 0;        // not for kMatch
    NfaState other = 0;       // kSplit
  };

  NfaState Match() { return Add({}); }
  NfaState Chars(std::uint32_t set, NfaState next) {
    return Add({Kind::kChars, Assertion::kStart, set, next, 0});
  }
  NfaState Split(NfaState next, NfaState other) {
    return Add({Kind::kSplit, Assertion::kStart, 0, next, other});
  }
  NfaState Assert(Assertion assertion, NfaState next) {
    return Add({Kind::kAssertion, assertion, 0, next, 0});
  }

  // `chars` are normalised. Equal sets get equal indices.
  std::uint32_t AddSet(std::vector<CodeRange> chars);

  std::size_t size() const { return states_.size(); }
  State& operator[](NfaState s) { return states_[s]; }
  const State& operator[](NfaState s) const { return states_[s]; }
  const std::vector<std::vector<CodeRange>>& sets() const { return sets_; }

 private:
  NfaState Add(State state) {
    states_.push_back(state);
    return static_cast<NfaState>(states_.size() - 1);
  }

  std::vector<State> states_;
  std::vector<std::vector<CodeRange>> sets_;
  std::map<std::vector<CodeRange>, std::uint32_t> known_sets_;
};

enum class Extent : std::uint8_t {
  kWholeText,  // texts that match from beginning to end
  kPart,       // texts a part of which matches
};

// The subset construction (Rabin & Scott 1959). kInvalidGrammar over the limits.
Result<Dfa> Determinize(const Nfa& nfa, NfaState start, Extent extent,
                        const DfaLimits& limits = {});

}  // namespace sentiric::grammar
