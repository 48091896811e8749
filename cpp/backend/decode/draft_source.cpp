// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/draft_source.h"

#include "backend/decode/llama_context_ptr.h"
#include "backend/decode/rounding.h"

namespace sentiric::backend {
namespace {

// A draft is verified among others and decoded alone.
DraftSource ByItself(const Model& model, const llama_context_params& params,
                     const EngineConfig& config) {
  if (!CanRecut(model, params, config)) return DraftSource::kNone;
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
