// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/json/byte_dfa.h"

#include <vector>

#include "core/grammar/regular/nfa.h"

namespace sentiric::grammar {
namespace {

class ByteWriter {
 public:
  explicit ByteWriter(const Dfa& texts) : texts_(texts) {}

  Result<Dfa> Run() {
    const NfaState match = nfa_.Match();
    // A state is a list of ways, linked by splits; this is its head.
    for (DfaState state = 0; state < texts_.size(); ++state) {
      const NfaState end = texts_.accepts(state) ? match : nfa_.Chars(nfa_.AddSet({}), match);
      heads_.push_back(nfa_.Split(end, end));
    }
    for (DfaState state = 0; state < texts_.size(); ++state) {
      for (const DfaEdge& edge : texts_.edges(state)) AddEdge(heads_[state], edge);
    }
    return Determinize(nfa_, heads_[Dfa::start()], Extent::kWholeText);
  }

 private:
  void AddEdge(NfaState head, const DfaEdge& edge) {
    std::vector<Utf8Sequence> sequences;
    SplitUtf8(edge.range, &sequences);
    for (const Utf8Sequence& sequence : sequences) {
      NfaState next = heads_[edge.target];
      for (int i = sequence.size; i-- > 0;) {
        const ByteRange bytes = sequence.bytes[i];
        next = nfa_.Chars(nfa_.AddSet({{bytes.first, bytes.last}}), next);
      }
      const NfaState rest = nfa_.Split(nfa_[head].next, nfa_[head].other);
      nfa_[head].next = next;
      nfa_[head].other = rest;
    }
  }

  const Dfa& texts_;
  Nfa nfa_;
  std::vector<NfaState> heads_;
};

}  // namespace

Result<Dfa> Utf8Bytes(const Dfa& texts) { return ByteWriter(texts).Run(); }

}  // namespace sentiric::grammar
