// SPDX-License-Identifier: AGPL-3.0-only
// Drafts from earlier text: they cost nothing and need no model.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/seams/drafter.h"

namespace sentiric {

// Drafts on the guess that the text goes on as it did the last time its newest kLength tokens
// occurred, in the prompt or in the answer (prompt lookup). Good at quotes, edits and repeated
// structure. For one text.
class NgramDrafter {
 public:
  static constexpr std::int32_t kLength = 3;

  // At most `limit` tokens that may follow `tokens`, which are those of the last call and more; a
  // shorter list begins anew.
  std::vector<Token> Draft(const std::vector<Token>& tokens, std::int32_t limit);

 private:
  static std::uint64_t KeyAt(const std::vector<Token>& tokens, std::size_t end);

  std::unordered_map<std::uint64_t, std::size_t> follows_;  // n-gram -> index of what came next
  std::size_t indexed_ = 0;                                 // n-grams that end before it are known
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
