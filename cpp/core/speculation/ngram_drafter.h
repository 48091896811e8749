// SPDX-License-Identifier: AGPL-3.0-only
// Drafts from earlier text: almost free, and without a model.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/seams/drafter.h"

namespace sentiric {

// Prompt lookup: continues the text as it continued the last time its newest kLength tokens
// occurred in the prompt or the answer. Good at quotes, edits and repeated structure. For one text.
class NgramDrafter {
 public:
  static constexpr std::int32_t kLength = 3;

  // At most `limit` tokens that may follow `tokens`. `tokens` extends the list of the last call; a
  // shorter list starts again.
  std::vector<Token> Draft(const std::vector<Token>& tokens, std::int32_t limit);

 private:
  static std::uint64_t KeyAt(const std::vector<Token>& tokens, std::size_t end);

  std::unordered_map<std::uint64_t, std::size_t> follows_;  // n-gram -> index of what came next
  std::size_t indexed_ = 0;  // n-grams that end before this index are known
};

// An NgramDrafter for each sequence.
class PromptLookup : public Drafter {
 public:
  Result<Drafts> Draft(const std::vector<DraftRequest>& requests, std::int32_t room) override;
  void Forget(SeqId seq) override { drafters_.erase(seq); }

 private:
  std::unordered_map<SeqId, NgramDrafter> drafters_;
};

}  // namespace sentiric
