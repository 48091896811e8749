// SPDX-License-Identifier: AGPL-3.0-only
// What llama.cpp computes when nothing of ours is linked: the numbers that the engine's are
// compared with.
//
//   plain-llama MODEL REPACKS embed POOLING batch   a vector for each line, all in one batch
//   plain-llama MODEL REPACKS embed POOLING alone   each line in a context of its own
//   plain-llama MODEL REPACKS logits                the logits of each token, line by line
//
// Each line of the input holds the ids of a text's tokens, each line of the output numbers.
// REPACKS: 1 = weights may be stored in other layouts, as llama.cpp does by itself, or 0.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "llama.h"

namespace {

using Texts = std::vector<std::vector<llama_token>>;

struct Free {
  void operator()(llama_model* model) const { llama_model_free(model); }
  void operator()(llama_context* context) const { llama_free(context); }
};
using Model = std::unique_ptr<llama_model, Free>;
using Context = std::unique_ptr<llama_context, Free>;

Texts ReadTexts() {
  Texts texts;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    auto& tokens = texts.emplace_back();
    for (llama_token token = 0; words >> token;) tokens.push_back(token);
  }
  return texts;
}

// One context for all texts, each a sequence of its own in one batch.
Context OpenFor(llama_model* model, const Texts& texts, llama_context_params params) {
  std::size_t num_tokens = 0;
  for (const auto& tokens : texts) num_tokens += tokens.size();
  params.n_seq_max = static_cast<std::uint32_t>(texts.size());
  // The library needs a multiple of the sequences.
  params.n_ubatch = params.n_seq_max * static_cast<std::uint32_t>(num_tokens);
  params.n_ctx = params.n_batch = params.n_ubatch;
  params.n_threads = params.n_threads_batch = 1;
  params.kv_unified = true;
  return Context(llama_init_from_model(model, params));
}

bool Decode(llama_context* context, const Texts& texts) {
  const auto num_tokens = static_cast<std::int32_t>(llama_n_batch(context));
  llama_batch batch = llama_batch_init(num_tokens, 0, 1);
  for (std::size_t text = 0; text < texts.size(); ++text) {
    for (std::size_t i = 0; i < texts[text].size(); ++i) {
      const auto row = batch.n_tokens++;
      batch.token[row] = texts[text][i];
      batch.pos[row] = static_cast<llama_pos>(i);
      batch.n_seq_id[row] = 1;
      batch.seq_id[row][0] = static_cast<llama_seq_id>(text);
      batch.logits[row] = 1;
    }
  }
  const bool is_done = llama_decode(context, batch) == 0;
  llama_batch_free(batch);
  return is_done;
}

void Print(const float* values, std::int32_t count, double scale) {
  for (std::int32_t i = 0; i < count; ++i) {
    std::printf(i + 1 < count ? "%.9g " : "%.9g\n", values[i] * scale);
  }
}

enum llama_pooling_type PoolingOf(std::string_view name) {
  if (name == "mean") return LLAMA_POOLING_TYPE_MEAN;
  if (name == "cls") return LLAMA_POOLING_TYPE_CLS;
  if (name == "last") return LLAMA_POOLING_TYPE_LAST;
  return LLAMA_POOLING_TYPE_UNSPECIFIED;
}

bool Embed(llama_model* model, const Texts& texts, llama_context_params params) {
  const Context context = OpenFor(model, texts, params);
  if (!context || !Decode(context.get(), texts)) return false;
  const std::int32_t width = llama_model_n_embd_out(model);
  for (std::size_t text = 0; text < texts.size(); ++text) {
    const float* vector = llama_get_embeddings_seq(context.get(), static_cast<llama_seq_id>(text));
    if (vector == nullptr) return false;
    double sum = 0;
    for (std::int32_t i = 0; i < width; ++i) sum += static_cast<double>(vector[i]) * vector[i];
    Print(vector, width, 1 / std::sqrt(sum));
  }
  return true;
}

bool EmbedAll(llama_model* model, std::string_view pooling, bool is_batch) {
  const Texts texts = ReadTexts();
  llama_context_params params = llama_context_default_params();
  params.embeddings = true;
  params.pooling_type = PoolingOf(pooling);
  if (is_batch) {
    // Fused attention adds in an order that depends on the other texts.
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    return Embed(model, texts, params);
  }
  for (const auto& tokens : texts) {
    if (!Embed(model, {tokens}, params)) return false;
  }
  return true;
}

bool Logits(llama_model* model) {
  const Texts texts = ReadTexts();
  llama_context_params params = llama_context_default_params();
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  const std::int32_t num_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
  for (const auto& tokens : texts) {
    const Context context = OpenFor(model, {tokens}, params);
    if (!context || !Decode(context.get(), {tokens})) return false;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      Print(llama_get_logits_ith(context.get(), static_cast<std::int32_t>(i)), num_vocab, 1);
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = 0;
  params.use_extra_bufts = std::string_view(argv[2]) == "1";
  const Model model(llama_model_load_from_file(argv[1], params));
  if (!model) return 1;
  const std::string_view task(argv[3]);
  if (task == "embed" && argc == 6) {
    return EmbedAll(model.get(), argv[4], std::string_view(argv[5]) == "batch") ? 0 : 1;
  }
  if (task == "logits") return Logits(model.get()) ? 0 : 1;
  return 2;
}
