// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/llama_context_ptr.h"

#include <array>

#include "backend/model/abort_guard.h"
#include "backend/model/log_sink.h"
#include "core/sync/mutex.h"
#include "ggml.h"
#include "host/cpu_budget.h"

namespace sentiric::backend {
namespace {

constexpr std::array kCacheTypes = {GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16,
                                    GGML_TYPE_Q8_0, GGML_TYPE_Q5_1, GGML_TYPE_Q5_0,
                                    GGML_TYPE_Q4_1, GGML_TYPE_Q4_0, GGML_TYPE_IQ4_NL};

Result<ggml_type> CacheType(const std::string& where, const std::string& name) {
  std::string allowed;
  for (const ggml_type type : kCacheTypes) {
    if (name == ggml_type_name(type)) return type;
    allowed += (allowed.empty() ? "" : " ") + std::string(ggml_type_name(type));
  }
  return OutOfRange(where, name, allowed);
}

Result<llama_flash_attn_type> FlashAttention(const std::string& name) {
  if (name == "on") return LLAMA_FLASH_ATTN_TYPE_ENABLED;
  if (name == "off") return LLAMA_FLASH_ATTN_TYPE_DISABLED;
  if (name != "auto") return OutOfRange("flash_attention", name, "auto on off");
  // On the CPU the fused kernel adds in an order that depends on other sequences.
  return llama_supports_gpu_offload() ? LLAMA_FLASH_ATTN_TYPE_AUTO : LLAMA_FLASH_ATTN_TYPE_DISABLED;
}

}  // namespace

Result<ContextPtr> MakeContext(const Model& model, const llama_context_params& params) {
  try {
    const AbortGuard guard;
    const MutexLock lock(model.adapters_mutex());
    ContextPtr context(llama_init_from_model(model.get(), params));
    if (context) return context;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kOutOfMemory, "context", e.what()};
  }
  const std::string refused =
      "cannot allocate buffers for " + std::to_string(params.n_ctx) + " tokens";
  return Error{ErrorCode::kOutOfMemory, "context", LastLoggedError(refused)};
}

Result<llama_context_params> CommonParams(const EngineConfig& config) {
  const auto type_k = CacheType("cache_type_k", config.cache_type_k);
  if (!type_k) return type_k.error();
  const auto type_v = CacheType("cache_type_v", config.cache_type_v);
  if (!type_v) return type_v.error();
  const auto flash = FlashAttention(config.flash_attention);
  if (!flash) return flash.error();
  llama_context_params params = llama_context_default_params();
  params.type_k = *type_k;
  params.type_v = *type_v;
  params.flash_attn_type = *flash;
  params.offload_kqv = config.kv_offload;
  params.n_threads = config.compute_threads > 0 ? config.compute_threads : NumUsableCpus();
  params.n_threads_batch =
      config.compute_threads_batch > 0 ? config.compute_threads_batch : params.n_threads;
  params.no_perf = true;
  return params;
}

bool CanGenerate(llama_context* context) {
  const llama_model* model = llama_get_model(context);
  return llama_get_memory(context) != nullptr && llama_model_has_decoder(model) &&
         !llama_model_has_encoder(model);
}

}  // namespace sentiric::backend
