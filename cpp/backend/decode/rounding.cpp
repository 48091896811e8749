// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/rounding.h"

#include <algorithm>

#include "../src/llama-model.h"  // llama_internal_get_tensor_map
#include "backend/kernels/cpu_hook.h"

namespace sentiric::backend {
namespace {

bool IsPlainFloat(ggml_type type) { return type == GGML_TYPE_F16 || type == GGML_TYPE_F32; }

bool AreAllOurs(const Model& model, const llama_context_params& params) {
  const bool is_plain = params.flash_attn_type == LLAMA_FLASH_ATTN_TYPE_DISABLED &&
                        IsPlainFloat(params.type_k) && IsPlainFloat(params.type_v);
  const auto& tensors = llama_internal_get_tensor_map(model.get());
  return HasCpuKernels() && is_plain &&
         std::all_of(tensors.begin(), tensors.end(),
                     [](const auto& named) { return CanMultiply(named.second); });
}

}  // namespace

bool CanRecut(const Model& model, const llama_context_params& params, const EngineConfig& config) {
  return llama_supports_gpu_offload() ? config.kv_layout != "split" : AreAllOurs(model, params);
}

}  // namespace sentiric::backend
