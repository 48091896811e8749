// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/llama_evaluator.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "backend/decode/batch_buffer.h"
#include "backend/kernels/cpu_hook.h"
#include "backend/model/abort_guard.h"

namespace sentiric::backend {
namespace {

constexpr std::size_t kMaxValues = std::size_t{64} << 20;
constexpr std::uint32_t kLogitsChunk = 64;    // rows of logits that the library holds at once
constexpr std::uint32_t kMaxEmbedded = 2048;  // pooled inputs are computed in one piece

const Error kDecodeFailed{ErrorCode::kInternal, "evaluate",
                          "the backend failed to compute the input"};

Error NotSupported(const char* what) { return {ErrorCode::kNotSupported, "embed", what}; }

bool DecodeRange(llama_context* context, const std::vector<Token>& tokens, std::size_t from,
                 std::size_t to) {
  BatchBuffer buffer;
  for (std::size_t i = from; i < to; ++i) {
    buffer.Add({0, static_cast<Position>(i), tokens[i], true});
  }
  try {
    const AbortGuard guard;
    return llama_decode(context, buffer.View()) == 0;
  } catch (const std::exception&) {
    return false;
  }
}

void Normalize(std::vector<float>* values) {
  double sum = 0;
  for (const float value : *values) sum += static_cast<double>(value) * value;
  const auto scale = static_cast<float>(sum > 0 ? 1 / std::sqrt(sum) : 0);
  for (float& value : *values) value *= scale;
}

Result<enum llama_pooling_type> PoolingOf(const std::string& name) {
  static const std::map<std::string, enum llama_pooling_type> kTypes = {
      {"auto", LLAMA_POOLING_TYPE_UNSPECIFIED},
      {"mean", LLAMA_POOLING_TYPE_MEAN},
      {"cls", LLAMA_POOLING_TYPE_CLS},
      {"last", LLAMA_POOLING_TYPE_LAST}};
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) return OutOfRange("embedding_pooling", name, "auto mean cls last");
  return found->second;
}

}  // namespace

Result<std::unique_ptr<LlamaEvaluator>> LlamaEvaluator::Create(std::shared_ptr<const Model> model,
                                                               const EngineConfig& config) {
  const auto pooling = PoolingOf(config.embedding_pooling);
  if (!pooling) return pooling.error();
  return std::unique_ptr<LlamaEvaluator>(new LlamaEvaluator(std::move(model), config, *pooling));
}

Status LlamaEvaluator::CheckTokens(const std::vector<Token>& tokens, std::size_t limit) const {
  if (tokens.empty() || tokens.size() > limit) {
    return OutOfRange("tokens", std::to_string(tokens.size()), "1.." + std::to_string(limit));
  }
  const auto bad = std::find_if(tokens.begin(), tokens.end(), [this](Token token) {
    return token < 0 || token >= model_->num_vocab();
  });
  if (bad == tokens.end()) return std::nullopt;
  return OutOfRange("tokens[" + std::to_string(bad - tokens.begin()) + "]", std::to_string(*bad),
                    "0.." + std::to_string(model_->num_vocab() - 1));
}

Status LlamaEvaluator::OpenLogits() {
  if (logits_) return std::nullopt;
  auto params = CommonParams(config_);
  if (!params) return params.error();
  params->n_ctx = static_cast<std::uint32_t>(
      config_.context_size > 0 ? config_.context_size : llama_model_n_ctx_train(model_->get()));
  params->n_seq_max = 1;
  params->n_batch = params->n_ubatch = params->n_outputs_max = kLogitsChunk;
  auto context = MakeContext(*model_, *params);
  if (!context) return context.error();
  logits_ = std::move(context).value();
  return std::nullopt;
}

Result<std::vector<float>> LlamaEvaluator::Logits(const std::vector<Token>& tokens) {
  if (Status status = OpenLogits()) return *status;
  const auto num_vocab = static_cast<std::size_t>(model_->num_vocab());
  const std::size_t limit =
      std::min<std::size_t>(llama_n_ctx(logits_.get()), kMaxValues / num_vocab);
  if (Status status = CheckTokens(tokens, limit)) return *status;
  llama_memory_clear(llama_get_memory(logits_.get()), false);
  std::vector<float> values;
  values.reserve(tokens.size() * num_vocab);
  for (std::size_t from = 0; from < tokens.size(); from += kLogitsChunk) {
    const std::size_t to = std::min(tokens.size(), from + kLogitsChunk);
    if (!DecodeRange(logits_.get(), tokens, from, to)) return kDecodeFailed;
    for (std::size_t i = from; i < to; ++i) {
      const float* row = llama_get_logits_ith(logits_.get(), static_cast<std::int32_t>(i - from));
      values.insert(values.end(), row, row + num_vocab);
    }
  }
  return values;
}

// Vectors are compared with those of other programs over the same file, and what rounds otherwise
// changes their third digit. So this is computed as llama.cpp's own tools do by default, with its
// products and its choice of attention: an input is alone in its context.
Status LlamaEvaluator::OpenEmbeddings() {
  if (embeddings_) return std::nullopt;
  if (llama_model_has_encoder(model_->get()) && llama_model_has_decoder(model_->get())) {
    return NotSupported("a model with an encoder and a decoder computes no embeddings");
  }
  auto params = CommonParams(config_);
  if (!params) return params.error();
  if (HasCpuKernels()) params->cb_eval = LeaveToLlama;
  if (config_.flash_attention == "auto") params->flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
  const auto train = static_cast<std::uint32_t>(llama_model_n_ctx_train(model_->get()));
  params->n_ctx = params->n_batch = params->n_ubatch = std::min(kMaxEmbedded, train);
  params->n_seq_max = 1;
  params->embeddings = true;
  params->pooling_type = pooling_;
  auto context = MakeContext(*model_, *params);
  if (!context) return context.error();
  if (llama_pooling_type(context->get()) == LLAMA_POOLING_TYPE_NONE) {
    params->pooling_type = LLAMA_POOLING_TYPE_MEAN;
    context = MakeContext(*model_, *params);
    if (!context) return context.error();
  }
  if (llama_pooling_type(context->get()) == LLAMA_POOLING_TYPE_RANK) {
    return NotSupported("the model scores pairs of texts; set embedding_pooling for vectors");
  }
  embeddings_ = std::move(context).value();
  return std::nullopt;
}

Result<std::vector<float>> LlamaEvaluator::Embed(const std::vector<Token>& tokens) {
  if (Status status = OpenEmbeddings()) return *status;
  if (Status status = CheckTokens(tokens, llama_n_batch(embeddings_.get()))) return *status;
  if (llama_memory_t memory = llama_get_memory(embeddings_.get()))
    llama_memory_clear(memory, false);
  if (!DecodeRange(embeddings_.get(), tokens, 0, tokens.size())) return kDecodeFailed;
  const float* pooled = llama_get_embeddings_seq(embeddings_.get(), 0);
  if (pooled == nullptr) return NotSupported("the model computes no embeddings");
  std::vector<float> values(pooled, pooled + llama_model_n_embd_out(model_->get()));
  Normalize(&values);
  return values;
}

}  // namespace sentiric::backend
