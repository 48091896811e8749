// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/decoder_shape.h"

#include <algorithm>
#include <string>

#include "backend/decode/rounding.h"
#include "core/speculation/speculation.h"

namespace sentiric::backend {
namespace {

// With a unified KV cache: fewest sequences that can stay cached beside the running ones. Each
// costs the library a row of logits.
constexpr std::int32_t kMinCached = 8;
constexpr std::int32_t kMaxDraftRows = 32;
// Rows of a prompt that may have logits at once. Fewer would make such prompts slow, more would
// cost every engine memory.
constexpr std::int32_t kPromptRows = 32;
constexpr std::int32_t kMaxSequences = 256;  // the library's limit
constexpr std::int64_t kMaxCells = 1 << 30;  // the library counts them in 32 bits

// Positions of the whole KV cache; the library needs a multiple of 256 for each stream.
Result<std::int32_t> NumCells(const EngineConfig& config, const DecoderTraits& traits,
                              bool is_split) {
  const std::int64_t padded = GGML_PAD(std::int64_t{traits.context_size}, 256);
  if (padded * config.contexts > kMaxCells) {
    return OutOfRange("contexts x context_size", std::to_string(padded * config.contexts),
                      "up to " + std::to_string(kMaxCells));
  }
  const auto all = static_cast<std::int32_t>(padded * config.contexts);
  if (config.kv_cells == 0) return all;
  const std::string got = std::to_string(config.kv_cells);
  if (is_split) return OutOfRange("kv_cells", got, "0 with kv_layout=split");
  if (config.kv_cells < traits.context_size || config.kv_cells > all) {
    return OutOfRange("kv_cells", got,
                      std::to_string(traits.context_size) + ".." + std::to_string(all));
  }
  return GGML_PAD(config.kv_cells, 256);
}

// Most rows for drafts.
std::int32_t MaxDraft(DraftSource draft_source, const DecoderTraits& traits) {
  if (draft_source == DraftSource::kNone || !traits.can_cut) return 0;
  return traits.mixes_rows ? kMaxDraftRows : Speculation::kMaxDraft;  // of one stream
}

Result<bool> IsSplit(const std::string& layout) {
  if (layout == "split") return true;
  if (layout == "unified") return false;
  if (layout != "auto") return OutOfRange("kv_layout", layout, "auto unified split");
  // With a stream per sequence, cells lie in the order of positions, so on the CPU results do not
  // depend on other sequences. GPUs gain from one wide batch.
  return !llama_supports_gpu_offload();
}

}  // namespace

Result<DecoderShape> DecoderShapeOf(const Model& model, const EngineConfig& config) {
  const auto common = CommonParams(config);
  if (!common) return common.error();
  const auto is_split = IsSplit(config.kv_layout);
  if (!is_split) return is_split.error();
  DecoderShape shape;
  DecoderTraits& traits = shape.traits;
  traits.contexts = config.contexts;
  traits.context_size =
      config.context_size > 0 ? config.context_size : llama_model_n_ctx_train(model.get());
  traits.num_vocab = model.num_vocab();
  traits.max_batch = config.batch_size;
  traits.mixes_rows = traits.shares_cells = !*is_split;
  const bool is_recurrent =
      llama_model_is_recurrent(model.get()) || llama_model_is_hybrid(model.get());
  traits.can_cut = !is_recurrent;
  // How a recurrent state rounds is not known.
  traits.can_recut = !is_recurrent && CanRecut(model, *common, config);
  // In a unified cache a cached sequence costs only its cells, but a recurrent one costs a state.
  const bool has_spare = !*is_split && !is_recurrent && config.prefix_cache;
  const std::int32_t spare = has_spare ? std::max(config.contexts, kMinCached) : 0;
  traits.sequences = std::min(kMaxSequences, config.contexts + spare);
  const auto cells = NumCells(config, traits, *is_split);
  if (!cells) return cells.error();
  traits.cells = *cells;
  llama_context_params& params = shape.params = *common;
  params.n_ctx = static_cast<std::uint32_t>(traits.cells);
  params.n_seq_max = static_cast<std::uint32_t>(traits.sequences);
  params.n_batch = static_cast<std::uint32_t>(config.batch_size);
  params.n_ubatch =
      static_cast<std::uint32_t>(std::min(config.physical_batch_size, config.batch_size));
  // A step reads one row of logits per sequence and draft token, or those of a piece of a prompt;
  // the library would reserve one per token.
  const auto draft_source = ChooseDraftSource(model, config);
  if (!draft_source) return draft_source.error();
  // For a draft model, a state that cannot be cut is refused when that model is loaded.
  const bool can_draft = traits.can_cut || *draft_source == DraftSource::kDraftModel;
  shape.draft_source = can_draft ? *draft_source : DraftSource::kNone;
  traits.max_draft = MaxDraft(*draft_source, traits);
  traits.max_outputs = std::max(traits.contexts + traits.max_draft, kPromptRows);
  params.n_outputs_max = std::max(params.n_seq_max + static_cast<std::uint32_t>(traits.max_draft),
                                  static_cast<std::uint32_t>(kPromptRows));
  params.kv_unified = !*is_split;
  return shape;
}

}  // namespace sentiric::backend
