// SPDX-License-Identifier: AGPL-3.0-only
// Drafts from a text that the caller expects the answer to follow.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/seams/drafter.h"

namespace sentiric {

// Where an answer is in the text that is expected of it. An answer that leaves this text is found
// again by its newest kLength tokens, first behind the place where it left.
class Prediction {
 public:
  static constexpr std::int32_t kLength = 3;

  explicit Prediction(const std::vector<Token>* expected) : expected_(expected) {}

  const std::vector<Token>* expected() const { return expected_; }

  // At most `limit` tokens that may follow `tokens`, in which the answer begins at `answer`.
  // `tokens` extends the list of the last call.
  std::vector<Token> Draft(const std::vector<Token>& tokens, std::int32_t answer,
                           std::int32_t limit);

 private:
  void Follow(const std::vector<Token>& tokens, std::size_t answer);
  bool Find(const std::vector<Token>& tokens, std::size_t from);

  const std::vector<Token>* expected_;
  std::size_t seen_ = 0;  // tokens of the text that were followed
  std::size_t next_ = 0;  // the expected token that comes next, or came when the answer left
  bool is_on_ = true;     // whether the newest tokens are those before it
};

// A Prediction for each sequence that has one. What it says nothing about is for `others`.
class PredictionDrafter : public Drafter {
 public:
  explicit PredictionDrafter(std::unique_ptr<Drafter> others) : others_(std::move(others)) {}

  Result<Drafts> Draft(const std::vector<DraftRequest>& requests, std::int32_t room) override;
  void Forget(SeqId seq) override;

 private:
  std::vector<Token> Predicted(const DraftRequest& request, std::int32_t room);

  const std::unique_ptr<Drafter> others_;
  std::unordered_map<SeqId, Prediction> predictions_;
};

}  // namespace sentiric
