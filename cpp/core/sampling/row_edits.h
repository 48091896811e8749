// SPDX-License-Identifier: AGPL-3.0-only
// The few logits of a row that a request changes: bans, biases and penalties.
#pragma once

#include <unordered_map>
#include <vector>

#include "sentiric/types.h"

namespace sentiric::sampling {

inline constexpr float kBanBelow = -100.0f;  // biases up to here ban

struct Edit {
  Token token = 0;
  float logit = 0;  // -inf: banned
};

// Tokens that a request must never choose, ascending: banned by bias, and end tokens with
// ignore_eos. They are removed from the candidates: with probability zero they would turn the
// entropy that typical_p computes into NaN.
std::vector<Token> BannedTokens(const Request& request, const std::vector<Token>& end_tokens);

// Remembers the tokens that the penalties look back at. One thread at a time.
class RowEdits {
 public:
  // `banned` ascending.
  RowEdits(const SamplingParams& params, std::vector<Token> banned);

  void Accept(Token token);
  // More banned tokens, ascending, until the next call.
  void Ban(const std::vector<Token>& tokens);
  // The edits of this row, ascending by token. Valid until the next call.
  const std::vector<Edit>& Of(const float* logits);

 private:
  float Edited(Token token, float logit, std::int32_t count) const;
  void Forget();

  const float repeat_penalty_;
  const float presence_penalty_;
  const float frequency_penalty_;
  const std::size_t num_remembered_;  // 0: nothing is penalised
  const std::vector<Token> always_banned_;
  std::vector<Token> banned_;  // now
  std::unordered_map<Token, float> biases_;
  std::unordered_map<Token, std::int32_t> counts_;  // of the remembered tokens
  std::vector<Token> memory_;                       // a ring
  std::size_t oldest_ = 0;
  std::vector<Edit> edits_;
};

}  // namespace sentiric::sampling
