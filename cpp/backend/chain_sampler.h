// SPDX-License-Identifier: AGPL-3.0-only
// Sampling through llama.cpp's sampler chain, with the project's own grammar on top.
#pragma once

#include <memory>

#include "backend/sampling_vocab.h"
#include "core/token_sampler.h"

namespace sentiric::backend {

// The order of the chain is llama.cpp's: logit_bias, penalties, DRY, then either greedy, mirostat,
// or top_k, typical_p, top_p, min_p, XTC, temperature and the draw. A grammar is checked on the
// sampled token; only when it refuses, the whole vocabulary is masked and sampled again.
class ChainSamplerFactory : public SamplerFactory {
 public:
  explicit ChainSamplerFactory(std::shared_ptr<const SamplingVocab> vocab)
      : vocab_(std::move(vocab)) {}
  Result<std::unique_ptr<TokenSampler>> Create(const Request& request,
                                               const PreparedPrompt& prompt) override;

 private:
  const std::shared_ptr<const SamplingVocab> vocab_;
};

}  // namespace sentiric::backend
