// SPDX-License-Identifier: AGPL-3.0-only
#include "core/speculation/prediction_drafter.h"

#include <algorithm>

namespace sentiric {

std::vector<Token> Prediction::Draft(const std::vector<Token>& tokens, std::int32_t answer,
                                     std::int32_t limit) {
  if (limit <= 0) return {};
  Follow(tokens, static_cast<std::size_t>(answer));
  if (!is_on_ && !Find(tokens, next_) && !Find(tokens, 0)) return {};
  const std::size_t count = std::min(static_cast<std::size_t>(limit), expected_->size() - next_);
  const auto first = expected_->begin() + static_cast<std::ptrdiff_t>(next_);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

void Prediction::Follow(const std::vector<Token>& tokens, std::size_t answer) {
  for (std::size_t i = std::max(seen_, answer); i < tokens.size(); ++i) {
    is_on_ = is_on_ && next_ < expected_->size() && (*expected_)[next_] == tokens[i];
    if (is_on_) ++next_;
  }
  seen_ = tokens.size();
}

// Goes to where the newest tokens stand at or behind `from`.
bool Prediction::Find(const std::vector<Token>& tokens, std::size_t from) {
  if (tokens.size() < static_cast<std::size_t>(kLength)) return false;
  const auto first = expected_->begin() + static_cast<std::ptrdiff_t>(from);
  const auto found = std::search(first, expected_->end(), tokens.end() - kLength, tokens.end());
  if (found == expected_->end()) return false;
  next_ = static_cast<std::size_t>(found - expected_->begin()) + static_cast<std::size_t>(kLength);
  is_on_ = true;
  return true;
}

Result<Drafts> PredictionDrafter::Draft(const std::vector<DraftRequest>& requests,
                                        std::int32_t room) {
  Drafts drafts;
  std::vector<DraftRequest> left;
  std::vector<std::size_t> places;
  for (const DraftRequest& request : requests) {
    drafts.tokens.push_back(Predicted(request, room));
    drafts.is_predicted.push_back(!drafts.tokens.back().empty());
    room -= static_cast<std::int32_t>(drafts.tokens.back().size());
    if (drafts.is_predicted.back()) continue;
    left.push_back(request);
    places.push_back(drafts.tokens.size() - 1);
  }
  if (left.empty() || room <= 0) return drafts;
  Result<Drafts> others = others_->Draft(left, room);
  if (!others) return others;
  for (std::size_t i = 0; i < left.size(); ++i) {
    drafts.tokens[places[i]] = std::move(others->tokens[i]);
  }
  drafts.ms = others->ms;
  return drafts;
}

void PredictionDrafter::Forget(SeqId seq) {
  predictions_.erase(seq);
  others_->Forget(seq);
}

std::vector<Token> PredictionDrafter::Predicted(const DraftRequest& request, std::int32_t room) {
  if (request.prediction == nullptr || request.prediction->empty()) return {};
  auto& prediction = predictions_.try_emplace(request.seq, request.prediction).first->second;
  if (prediction.expected() != request.prediction) prediction = Prediction(request.prediction);
  return prediction.Draft(*request.tokens, request.answer, std::min(room, request.limit));
}

}  // namespace sentiric
