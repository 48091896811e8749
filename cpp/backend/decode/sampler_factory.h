// SPDX-License-Identifier: AGPL-3.0-only
// Creates the sampler of a request: on raw logits, or with llama.cpp's chain for rare parameters.
#pragma once

#include <memory>
#include <utility>

#include "backend/model/sampling_vocab.h"
#include "core/sampling/forced_tokens.h"
#include "core/seams/token_sampler.h"

namespace sentiric::backend {

class ModelSamplerFactory : public SamplerFactory {
 public:
  // tokenize: for text that a grammar forces; empty = every token is sampled.
  ModelSamplerFactory(std::shared_ptr<const SamplingVocab> vocab, sampling::Tokenize tokenize)
      : vocab_(std::move(vocab)), tokenize_(std::move(tokenize)) {}
  Result<std::unique_ptr<TokenSampler>> Create(const Request& request,
                                               const PreparedPrompt& prompt) override;

 private:
  const std::shared_ptr<const SamplingVocab> vocab_;
  const sampling::Tokenize tokenize_;
};

}  // namespace sentiric::backend
