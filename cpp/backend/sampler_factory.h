// SPDX-License-Identifier: AGPL-3.0-only
// A sampler for each request: on the raw logits, or through llama.cpp's chain for rare parameters.
#pragma once

#include <memory>

#include "backend/sampling_vocab.h"
#include "core/token_sampler.h"

namespace sentiric::backend {

class ModelSamplerFactory : public SamplerFactory {
 public:
  explicit ModelSamplerFactory(std::shared_ptr<const SamplingVocab> vocab)
      : vocab_(std::move(vocab)) {}
  Result<std::unique_ptr<TokenSampler>> Create(const Request& request,
                                               const PreparedPrompt& prompt) override;

 private:
  const std::shared_ptr<const SamplingVocab> vocab_;
};

}  // namespace sentiric::backend
