// SPDX-License-Identifier: AGPL-3.0-only
// Implements core/seams/decoder.h over a llama_context with one sequence per request.
#pragma once

#include <memory>

#include "backend/decode/batch_buffer.h"
#include "backend/decode/decoder_shape.h"
#include "backend/decode/llama_context_ptr.h"
#include "backend/model/model.h"
#include "core/seams/decoder.h"

namespace sentiric::backend {

class LlamaDecoder : public Decoder {
 public:
  // The errors of DecoderShapeOf and MakeContext.
  static Result<std::unique_ptr<LlamaDecoder>> Create(std::shared_ptr<const Model> model,
                                                      const EngineConfig& config);

  const DecoderTraits& traits() const override { return traits_; }
  DraftSource draft_source() const { return draft_source_; }
  void UseAdapters(const AdapterSet* adapters) override;
  DecodeStatus Decode(const Batch& batch, const std::atomic<bool>* abort) override;
  const float* Logits(std::size_t row) override;
  bool RunBetweenCalls(std::size_t count, const std::function<void(std::size_t)>& job) override;
  bool Truncate(SeqId seq, Position from) override;
  Position ShortestCut(SeqId seq) override;
  void Shift(SeqId seq, Position keep, Position count) override;
  bool Copy(SeqId from, SeqId to, Position count) override;
  std::uint64_t SavedSize(SeqId seq) override;
  std::vector<std::uint8_t> Save(SeqId seq) override;
  bool Restore(SeqId seq, const std::vector<std::uint8_t>& state) override;
  void Clear(SeqId seq) override;
  Position MaxPosition(SeqId seq) override;

  // Fills in the configuration as the library applied it.
  void Describe(ModelInfo* info) const;

 private:
  LlamaDecoder(std::shared_ptr<const Model> model, ContextPtr context, const DecoderShape& shape);
  bool IsValid(const Batch& batch);
  void Fill(const Batch& batch);
  DecodeStatus Compute();
  void PadGap(SeqId from, SeqId to);
  void RemovePadding();

  const std::shared_ptr<const Model> model_;  // before context_: freed after it
  const ContextPtr context_;
  const DecoderTraits traits_;
  const DraftSource draft_source_;
  const bool is_split_;    // each sequence has a KV stream of its own
  const bool fills_gaps_;  // see Fill
  const Position window_;  // of sliding attention; 0 = none
  const llama_flash_attn_type flash_attention_;
  std::uint64_t set_in_use_ = 0;  // LoraSet::serial; 0 = none
  bool plans_anew_ = true;        // the next call plans its graph, which walks the model's adapters
  bool has_shifts_ = false;       // the next call applies them
  BatchBuffer buffer_;
  std::vector<std::int32_t> index_of_row_;  // row of the last batch -> row in buffer_
  struct Padding {
    SeqId seq;
    Position pos;
  };
  std::vector<Padding> padding_;
  const std::atomic<bool>* abort_ = nullptr;  // of the running Decode
};

}  // namespace sentiric::backend
