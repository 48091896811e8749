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
#include "core/seams/token_sampler.h"

namespace sentiric::sampling {

class VocabSampler : public TokenSampler {
 public:
  // tokenize: empty = Forced() returns nothing.
  VocabSampler(std::shared_ptr<const Vocab> vocab, const Request& request,
               const PreparedPrompt& prompt, std::unique_ptr<Picker> picker, Tokenize tokenize);

  Result<SampledToken> Sample(const float* logits) override;
  Result<SampledToken> Replay(Token token) override;
  // Tokens that the grammar forces. None with logprobs, which need a row of logits for each token.
  std::vector<SampledToken> Forced(std::size_t max_tokens) override;

 private:
  SampledToken Meaning(Token token) const;
  bool Remember(SampledToken* sampled);

  const std::shared_ptr<const Vocab> vocab_;
  const std::int32_t top_logprobs_;
  const std::unique_ptr<Picker> picker_;
  std::optional<GrammarFilter> grammar_;
  const Tokenize tokenize_;
  std::string tail_;  // last bytes of the text, starting with a whole token
};

}  // namespace sentiric::sampling
