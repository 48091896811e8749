// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/draft_source.h"

#include <algorithm>

#include "../src/llama-model.h"  // llama_internal_get_tensor_map
#include "backend/decode/llama_context_ptr.h"
#include "backend/kernels/cpu_hook.h"

namespace sentiric::backend {
namespace {

bool IsPlainFloat(ggml_type type) { return type == GGML_TYPE_F16 || type == GGML_TYPE_F32; }

// Whether a verified token rounds like a decoded one: true when all products of the graph are ours.
bool RoundsAlike(const Model& model, const llama_context_params& params) {
  if (!HasCpuKernels() || llama_supports_gpu_offload()) return false;
  const bool is_plain = params.flash_attn_type == LLAMA_FLASH_ATTN_TYPE_DISABLED &&
                        IsPlainFloat(params.type_k) && IsPlainFloat(params.type_v);
  const auto& tensors = llama_internal_get_tensor_map(model.get());
  return is_plain && std::all_of(tensors.begin(), tensors.end(),
                                 [](const auto& named) { return CanMultiply(named.second); });
}

DraftSource ByItself(const Model& model, const llama_context_params& params,
                     const EngineConfig& config) {
  const bool is_harmless =
      llama_supports_gpu_offload() ? config.kv_layout != "split" : RoundsAlike(model, params);
  if (!is_harmless) return DraftSource::kNone;
  return config.draft_model.empty() ? DraftSource::kNgram : DraftSource::kDraftModel;
}

}  // namespace

Result<DraftSource> ChooseDraftSource(const Model& model, const EngineConfig& config) {
  const std::string& asked = config.speculation;
  if (asked != "auto" && asked != "off" && asked != "ngram" && asked != "draft") {
    return OutOfRange("speculation", asked, "auto off ngram draft");
  }
  if (asked == "off" || config.deterministic) return DraftSource::kNone;
  if (asked == "ngram") return DraftSource::kNgram;
  if (asked == "draft") return DraftSource::kDraftModel;
  const auto params = CommonParams(config);
  if (!params) return params.error();
  return ByItself(model, *params, config);
}

const char* DraftSourceName(DraftSource draft_source) {
  switch (draft_source) {
    case DraftSource::kNgram: return "ngram";
    case DraftSource::kDraftModel: return "draft";
    default: return "off";
  }
}

}  // namespace sentiric::backend
