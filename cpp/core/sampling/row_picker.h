// SPDX-License-Identifier: AGPL-3.0-only
// Greedy, top_k, top_p, min_p, temperature and penalties, directly on a row of logits.
#pragma once

#include <random>

#include "core/sampling/picker.h"
#include "core/sampling/row_edits.h"
#include "core/sampling/row_scan.h"

namespace sentiric::sampling {

// Gives the same distribution, and for the same seed the same tokens, as llama.cpp's chain of
// logit_bias, penalties, top_k, top_p, min_p, temp_ext and dist (or greedy), applied to the tokens
// that are neither banned nor refused by the grammar. Among equal logits the lower token comes
// first.
//
// The candidates are the few best tokens. A grammar checks those first; its full mask is computed
// only when too few of them pass.
class RowPicker : public Picker {
 public:
  // Whether this class implements all the parameters; if not, use llama.cpp's chain.
  static bool Supports(const SamplingParams& params);

  // `banned` is ascending; the vocabulary must outlive the picker.
  RowPicker(const SamplingParams& params, VocabView vocab, std::vector<Token> banned,
            std::uint32_t seed);

  Result<Token> Pick(const float* logits, GrammarFilter* filter) override;
  void Ban(const std::vector<Token>& tokens) override {
    has_bans_ = !tokens.empty();
    edits_.Ban(tokens);
  }
  void Accept(Token token) override { edits_.Accept(token); }
  bool Skip() override;

  // The candidates of the last Pick; empty when it drew from the whole row.
  const Candidates& candidates() const { return candidates_; }

 private:
  // These return -1 when nothing can be chosen.
  Token PickFree(const RowScan& row, const std::vector<Edit>& edits);
  Result<Token> PickListed(const float* logits, const std::vector<Edit>& edits,
                           GrammarFilter* filter);
  Result<Token> PickAllowed(const RowScan& row, const std::vector<Edit>& edits,
                            GrammarFilter* filter);
  bool TopAllowed(const RowScan& row, const std::vector<Edit>& edits, const GrammarFilter& filter,
                  const grammar::TokenMask& mask);
  Token PickMasked(const float* logits, const std::vector<Edit>& edits, const GrammarFilter& filter,
                   const grammar::TokenMask& mask);
  Token PickFromRow(const RowScan& row);
  Token PickFromList(bool is_sorted);
  Token DrawFromList();
  Token DrawFromRow(const RowScan& row);
  void KeepNucleus(const RowScan& row);
  void TopEdited(const RowScan& row, const std::vector<Edit>& edits, std::size_t count);
  bool KeepAllowed(GrammarFilter* filter);

  const SamplingParams params_;
  const VocabView vocab_;
  const std::vector<Token> listed_;  // with allowed_tokens: what may be chosen, ascending
  const std::size_t limit_;          // candidates needed: 1 for greedy, else top_k; 0 = no limit
  RowEdits edits_;
  bool has_bans_ = false;
  std::mt19937 random_;
  Candidates candidates_;
};

}  // namespace sentiric::sampling
