// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "core/grammar/regular/dfa.h"
#include "core/grammar/regular/nfa.h"
#include "core/grammar/regular/pattern/pattern_ast.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Builds automata for parts of a pattern, back to front: what comes next is built first.
class PatternNfa {
 public:
  explicit PatternNfa(const Pattern& pattern);

  NfaState Match() { return nfa_.Match(); }
  NfaState Assert(Assertion assertion, NfaState next) { return nfa_.Assert(assertion, next); }
  NfaState AnyChars(std::uint64_t count, NfaState next);

  // Recurses as deep as groups are nested, which the parser limits.
  NfaState Node(PatternNodeId id, NfaState next);

  // kInvalidGrammar where repetitions add up to too much.
  Result<Dfa> Texts(NfaState start, Extent extent) const;

 private:
  bool is_over() const;
  NfaState Repeat(const PatternNode& node, NfaState next);

  const Pattern& pattern_;
  Nfa nfa_;
  std::vector<std::uint32_t> set_of_;  // by node
};

}  // namespace sentiric::grammar
