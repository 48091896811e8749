// SPDX-License-Identifier: AGPL-3.0-only
// Runs batches on the decoder and narrows a failure down to the sequence that caused it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/seams/decoder.h"

namespace sentiric {

// The outcome of a part of a batch.
struct BatchPart {
  // kOk: all of `rows` are stored. kKvFull: no cells for `seq`, which is unchanged and may try
  // again. kInvalid, kFailed: `seq` cannot be evaluated.
  DecodeStatus status = DecodeStatus::kOk;
  const Batch* rows = nullptr;  // their logits are readable until the next Decode()
  SeqId seq = -1;
};

// The rows of a sequence must be adjacent in a batch. A batch that fails is bisected between
// sequences until the failing one is alone, so that the others lose nothing. It then has several
// parts, each evaluated by a call of its own.
class BatchRunner {
 public:
  explicit BatchRunner(Decoder* decoder) : decoder_(decoder) {}

  // Starts a batch, which must stay valid until all its parts are taken. abort: null = none.
  void Start(const Batch& batch, const std::atomic<bool>* abort);

  // Evaluates the next part; nullopt when there is none. An aborted call yields no part: its
  // request ends as cancelled in the next step.
  std::optional<BatchPart> Decode();

  std::uint64_t num_calls() const { return num_calls_; }
  std::uint64_t num_kv_full() const { return num_kv_full_; }

 private:
  // Rows of the batch that are not evaluated yet.
  struct Span {
    std::size_t begin, end;
  };

  DecodeStatus DecodeRows(const Batch& rows);
  const Batch& RowsOf(Span span);
  void Restore(const Batch& rows);
  std::optional<BatchPart> Narrow(Span span, const Batch& rows, DecodeStatus status);
  std::optional<BatchPart> TakeLost();

  Decoder* const decoder_;
  const Batch* batch_ = nullptr;
  const std::atomic<bool>* abort_ = nullptr;
  std::vector<Span> todo_;   // the next one last
  std::vector<SeqId> lost_;  // sequences that could not be cut back; the next one last
  Batch half_;               // rows of a span that is not the whole batch
  std::uint64_t num_calls_ = 0;
  std::uint64_t num_kv_full_ = 0;
};

}  // namespace sentiric
