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
  // tokenize: for text that is forced. jumps: whether such text is evaluated in one call.
  ModelSamplerFactory(std::shared_ptr<const SamplingVocab> vocab, sampling::Tokenize tokenize,
                      bool jumps)
      : vocab_(std::move(vocab)), tokenize_(std::move(tokenize)), jumps_(jumps) {}
  Result<std::unique_ptr<TokenSampler>> Create(const Request& request,
                                               const PreparedPrompt& prompt) override;

 private:
  const std::shared_ptr<const SamplingVocab> vocab_;
  const sampling::Tokenize tokenize_;
  const bool jumps_;
};

}  // namespace sentiric::backend
