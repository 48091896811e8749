// SPDX-License-Identifier: AGPL-3.0-only
// Logits and embeddings of whole inputs, on separate contexts that are created on first use.
#pragma once

#include <memory>

#include "backend/decode/llama_context_ptr.h"
#include "core/seams/decoder.h"

namespace sentiric::backend {

class LlamaEvaluator : public Evaluator {
 public:
  // kInvalidArgument for an unknown embedding_pooling. Allocates nothing yet.
  static Result<std::unique_ptr<LlamaEvaluator>> Create(std::shared_ptr<const Model> model,
                                                        const EngineConfig& config);

  // kInvalidArgument for more than 64 M values (tokens x vocabulary) or more than one context of
  // tokens.
  Result<std::vector<float>> Logits(const std::vector<Token>& tokens) override;

  // Pools as configured, else as the model says, else by the mean. At most 2 048 tokens.
  Result<std::vector<float>> Embed(const std::vector<Token>& tokens) override;

 private:
  LlamaEvaluator(std::shared_ptr<const Model> model, const EngineConfig& config,
                 enum llama_pooling_type pooling)
      : model_(std::move(model)), config_(config), pooling_(pooling) {}
  Status CheckTokens(const std::vector<Token>& tokens, std::size_t limit) const;
  Status OpenLogits();
  Status OpenEmbeddings();

  const std::shared_ptr<const Model> model_;  // before the contexts: freed after them
  const EngineConfig config_;
  const enum llama_pooling_type pooling_;
  ContextPtr logits_;
  ContextPtr embeddings_;
};

}  // namespace sentiric::backend
