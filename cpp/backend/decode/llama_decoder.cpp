// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/llama_decoder.h"

#include <algorithm>
#include <utility>

#include "backend/model/abort_guard.h"
#include "backend/model/lora_store.h"
#include "core/record/doing.h"
#include "core/sync/mutex.h"

namespace sentiric::backend {
namespace {

// A pass over the weights costs about as much as this many additional rows in one pass.
constexpr SeqId kMaxGap = 4;

DecodeStatus StatusOf(std::int32_t code) {
  switch (code) {
    case 0: return DecodeStatus::kOk;
    case 1: return DecodeStatus::kKvFull;
    case 2: return DecodeStatus::kAborted;
    case -1: return DecodeStatus::kInvalid;
    default: return DecodeStatus::kFailed;
  }
}

}  // namespace

Result<std::unique_ptr<LlamaDecoder>> LlamaDecoder::Create(std::shared_ptr<const Model> model,
                                                           const EngineConfig& config) {
  auto shape = DecoderShapeOf(*model, config);
  if (!shape) return shape.error();
  auto context = MakeContext(*model, shape->params);
  if (!context) return context.error();
  llama_memory_t memory = llama_get_memory(context->get());
  shape->traits.can_shift = memory != nullptr && llama_memory_can_shift(memory);
  return std::unique_ptr<LlamaDecoder>(
      new LlamaDecoder(std::move(model), std::move(context).value(), *shape));
}

LlamaDecoder::LlamaDecoder(std::shared_ptr<const Model> model, ContextPtr context,
                           const DecoderShape& shape)
    : model_(std::move(model)),
      context_(std::move(context)),
      traits_(shape.traits),
      draft_source_(shape.draft_source),
      is_split_(!shape.params.kv_unified),
      // A recurrent state cannot remove the row that filled a gap.
      fills_gaps_(is_split_ && !llama_model_is_recurrent(model_->get()) &&
                  !llama_model_is_hybrid(model_->get())),
      window_(llama_model_n_swa(model_->get())),
      flash_attention_(shape.params.flash_attn_type) {
  // Polled by the CPU backend only.
  llama_set_abort_callback(
      context_.get(),
      [](void* data) {
        record::Beat();
        const auto* abort = static_cast<LlamaDecoder*>(data)->abort_;
        return abort != nullptr && abort->load(std::memory_order_relaxed);
      },
      this);
}

void LlamaDecoder::UseAdapters(const AdapterSet* adapters) {
  const auto* set = static_cast<const LoraSet*>(adapters);
  const std::uint64_t serial = set == nullptr ? 0 : set->serial();
  if (serial == set_in_use_) return;
  set_in_use_ = serial;
  plans_anew_ = true;
  std::vector<llama_adapter_lora*> loras;
  std::vector<float> scales;
  if (set != nullptr) {
    for (const auto& [lora, scale] : set->adapters()) {
      loras.push_back(lora->get());
      scales.push_back(scale);
    }
  }
  // The library compares addresses, and the address of a freed adapter may have been reused.
  llama_set_adapters_lora(context_.get(), nullptr, 0, nullptr);
  llama_set_adapters_lora(context_.get(), loras.data(), loras.size(), scales.data());
}

DecodeStatus LlamaDecoder::Decode(const Batch& batch, const std::atomic<bool>* abort) {
  if (!IsValid(batch)) return DecodeStatus::kInvalid;
  Fill(batch);
  // The library shifts keys in place, layer by layer, and begins anew when it was interrupted.
  abort_ = has_shifts_ ? nullptr : abort;
  DecodeStatus status = DecodeStatus::kFailed;
  try {
    const AbortGuard guard;
    status = Compute();
  } catch (const std::exception&) {
    // The reason is in the library's log.
  }
  abort_ = nullptr;
  if (status == DecodeStatus::kOk) has_shifts_ = false;
  RemovePadding();
  return status;
}

DecodeStatus LlamaDecoder::Compute() {
  if (!plans_anew_) return StatusOf(llama_decode(context_.get(), buffer_.View()));
  plans_anew_ = false;
  const MutexLock lock(model_->adapters_mutex());
  return StatusOf(llama_decode(context_.get(), buffer_.View()));
}

// For some invalid batches the library aborts, for others it stores garbage.
bool LlamaDecoder::IsValid(const Batch& batch) {
  if (batch.empty() || batch.size() > static_cast<std::size_t>(traits_.max_batch)) return false;
  std::int32_t num_outputs = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Row& row = batch[i];
    if (row.token < 0 || row.token >= traits_.num_vocab) return false;
    if (row.seq < 0 || row.seq >= traits_.sequences) return false;
    const bool continues = i > 0 && batch[i - 1].seq == row.seq;
    const Position before = continues ? batch[i - 1].pos : MaxPosition(row.seq);
    if (row.pos != before + 1 || row.pos >= traits_.context_size) return false;
    num_outputs += row.wants_logits ? 1 : 0;
  }
  return num_outputs <= traits_.max_outputs;
}

// In a split cache a pass serves sequences with adjacent ids only. So small gaps between decode
// rows are filled with rows of the sequences in between, which are removed afterwards.
void LlamaDecoder::Fill(const Batch& batch) {
  buffer_.Reset();
  index_of_row_.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const SeqId gap = i > 0 ? batch[i].seq - batch[i - 1].seq - 1 : 0;
    if (fills_gaps_ && gap > 0 && gap <= kMaxGap) PadGap(batch[i - 1].seq + 1, batch[i].seq);
    index_of_row_.push_back(buffer_.size());
    buffer_.Add(batch[i]);
  }
}

void LlamaDecoder::PadGap(SeqId from, SeqId to) {
  for (SeqId seq = from; seq < to; ++seq) {
    const Position pos = MaxPosition(seq) + 1;
    if (pos >= traits_.context_size) continue;
    buffer_.Add({seq, pos, 0, false});
    padding_.push_back({seq, pos});
  }
}

void LlamaDecoder::RemovePadding() {
  for (const Padding& padding : std::exchange(padding_, {})) Truncate(padding.seq, padding.pos);
}

const float* LlamaDecoder::Logits(std::size_t row) {
  return llama_get_logits_ith(context_.get(), index_of_row_[row]);
}

// The library computes in OpenMP regions of this thread, so a region of the same size gets the same
// threads, which still spin for the next one.
bool LlamaDecoder::RunBetweenCalls(std::size_t count, const std::function<void(std::size_t)>& job) {
#ifdef _OPENMP
  const std::int32_t num_threads = llama_n_threads(context_.get());
#pragma omp parallel for schedule(dynamic, 1) num_threads(num_threads)
  for (std::size_t i = 0; i < count; ++i) job(i);
  return true;
#else
  return Decoder::RunBetweenCalls(count, job);
#endif
}

bool LlamaDecoder::Truncate(SeqId seq, Position from) {
  if (from < ShortestCut(seq)) return false;
  return llama_memory_seq_rm(llama_get_memory(context_.get()), seq, from, -1);
}

// With a sliding window, the library reuses cells that are outside of the window.
Position LlamaDecoder::ShortestCut(SeqId seq) {
  if (!traits_.can_cut) return MaxPosition(seq) + 1;
  const Position first = llama_memory_seq_pos_min(llama_get_memory(context_.get()), seq);
  return first <= 0 ? 0 : std::min(first + std::max(window_, 1), MaxPosition(seq) + 2) - 1;
}

void LlamaDecoder::Shift(SeqId seq, Position keep, Position count) {
  llama_memory_t memory = llama_get_memory(context_.get());
  llama_memory_seq_rm(memory, seq, keep, keep + count);
  llama_memory_seq_add(memory, seq, keep + count, -1, -count);
  has_shifts_ = true;
}

// Between streams, cells go through host memory: the library's own copy moves whole streams, and
// only at the next decode.
bool LlamaDecoder::Copy(SeqId from, SeqId to, Position count) {
  if (count < ShortestCut(from)) return false;
  if (!is_split_) {
    llama_memory_seq_cp(llama_get_memory(context_.get()), from, to, 0, count);
    return MaxPosition(to) + 1 == count;
  }
  return Restore(to, Save(from)) && (MaxPosition(to) + 1 == count || Truncate(to, count));
}

std::uint64_t LlamaDecoder::SavedSize(SeqId seq) {
  return llama_state_seq_get_size_ext(context_.get(), seq, LLAMA_STATE_SEQ_FLAGS_NONE);
}

std::vector<std::uint8_t> LlamaDecoder::Save(SeqId seq) {
  std::vector<std::uint8_t> state(SavedSize(seq));
  const std::size_t written = llama_state_seq_get_data_ext(
      context_.get(), state.data(), state.size(), seq, LLAMA_STATE_SEQ_FLAGS_NONE);
  state.resize(written);
  return state;
}

bool LlamaDecoder::Restore(SeqId seq, const std::vector<std::uint8_t>& state) {
  if (state.empty()) return false;
  try {
    const AbortGuard guard;
    return llama_state_seq_set_data_ext(context_.get(), state.data(), state.size(), seq,
                                        LLAMA_STATE_SEQ_FLAGS_NONE) == state.size();
  } catch (const std::exception&) {
    Clear(seq);
    return false;
  }
}

void LlamaDecoder::Clear(SeqId seq) {
  llama_memory_seq_rm(llama_get_memory(context_.get()), seq, -1, -1);
}

Position LlamaDecoder::MaxPosition(SeqId seq) {
  return llama_memory_seq_pos_max(llama_get_memory(context_.get()), seq);
}

void LlamaDecoder::Describe(ModelInfo* info) const {
  info->context_size = traits_.context_size;
  info->contexts = traits_.contexts;
  info->batch_size = static_cast<std::int32_t>(llama_n_batch(context_.get()));
  info->physical_batch_size = static_cast<std::int32_t>(llama_n_ubatch(context_.get()));
  info->compute_threads = llama_n_threads(context_.get());
  info->can_shift = traits_.can_shift;
  info->can_generate = CanGenerate(context_.get());
  info->flash_attention = llama_flash_attn_type_name(flash_attention_);
  info->kv_layout = is_split_ ? "split" : "unified";
  info->speculation = DraftSourceName(draft_source_);
  info->backend = llama_supports_gpu_offload() ? "gpu" : "cpu";
}

}  // namespace sentiric::backend
