// SPDX-License-Identifier: AGPL-3.0-only
// The sampler of one request: picks tokens, keeps the state of the grammar, and adds text and
// logprobs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/sampling/forced_tokens.h"
#include "core/sampling/picker.h"
#include "core/sampling/thought.h"
#include "core/sampling/token_bans.h"
#include "core/seams/token_sampler.h"

namespace sentiric::sampling {

class VocabSampler : public TokenSampler {
 public:
  // tokenize: empty = Forced() returns nothing. thought: of a request that limits its thoughts.
  VocabSampler(std::shared_ptr<const Vocab> vocab, const Request& request,
               const PreparedPrompt& prompt, std::unique_ptr<Picker> picker, Tokenize tokenize,
               std::optional<Thought> thought = std::nullopt);

  Result<SampledToken> Sample(const float* logits) override;
  Result<SampledToken> Replay(Token token) override;
  Result<ChosenLogprob> Score(const float* logits, Token token,
                              std::int32_t num_top) const override;
  // None with logprobs, which need a row of logits for each token; then Sample() chooses what the
  // limit of a thought forces, with the logprobs of its row.
  std::vector<SampledToken> Forced(std::size_t max_tokens) override;

 private:
  Result<Token> Choose(const float* logits);
  SampledToken Meaning(Token token) const;
  bool Remember(SampledToken* sampled);
  void AddClosing(std::size_t max_tokens, std::vector<SampledToken>* forced);
  void AddForcedText(std::size_t max_tokens, std::vector<SampledToken>* forced);

  const std::shared_ptr<const Vocab> vocab_;
  const VocabView view_;
  const std::vector<Token> stop_tokens_;
  const std::int32_t top_logprobs_;
  const bool follows_lists_;  // forced text is not asked whether its tokens are allowed
  const std::unique_ptr<Picker> picker_;
  std::optional<GrammarFilter> grammar_;
  std::optional<Thought> thought_;
  TokenBans bans_;
  const Tokenize tokenize_;
  std::string tail_;  // last bytes of the text, starting with a whole token
};

}  // namespace sentiric::sampling
