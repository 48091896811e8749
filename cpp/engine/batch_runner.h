// SPDX-License-Identifier: AGPL-3.0-only
// Hands batches to the decoder and narrows a failure down to the sequence that caused it.
#pragma once

#include "core/seams/decoder.h"

namespace sentiric {

// What became of the rows of a batch, sequence by sequence.
class BatchSink {
 public:
  virtual ~BatchSink() = default;
  // All rows are stored; logits are readable until this returns.
  virtual void OnEvaluated(const Batch& batch) = 0;
  // No cells for this sequence; it is unchanged and may try again.
  virtual void OnNoRoom(SeqId seq) = 0;
  // This sequence cannot be evaluated; its cells are as before the batch.
  virtual void OnFailed(SeqId seq, DecodeStatus status) = 0;
};

class BatchRunner {
 public:
  BatchRunner(Decoder* decoder, BatchSink* sink) : decoder_(decoder), sink_(sink) {}

  // Rows of one sequence must stand together. A batch that fails is halved by sequences until the
  // culprit stands alone, so that its neighbours lose nothing.
  void Run(const Batch& batch, const std::atomic<bool>* abort);

  std::uint64_t num_calls() const { return num_calls_; }
  std::uint64_t num_kv_full() const { return num_kv_full_; }

 private:
  void Restore(const Batch& batch);
  void Narrow(const Batch& batch, DecodeStatus status);

  Decoder* const decoder_;
  BatchSink* const sink_;
  std::uint64_t num_calls_ = 0;
  std::uint64_t num_kv_full_ = 0;
};

}  // namespace sentiric
