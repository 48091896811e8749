// SPDX-License-Identifier: AGPL-3.0-only
// The seam between the engine loop and whatever computes logits. backend/decode/llama_decoder.h
// implements it; tests use a fake, so that the whole loop runs without a model.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

#include "core/seams/adapters.h"
#include "sentiric/types.h"

namespace sentiric {

// One token to evaluate at position `pos` of `seq`.
struct Row {
  SeqId seq = 0;
  Position pos = 0;
  Token token = 0;
  bool wants_logits = false;
};
inline bool operator==(const Row& a, const Row& b) {
  return a.seq == b.seq && a.pos == b.pos && a.token == b.token && a.wants_logits == b.wants_logits;
}

using Batch = std::vector<Row>;

enum class DecodeStatus {
  kOk,
  kKvFull,   // no cells for the batch; nothing changed
  kAborted,  // the abort flag was raised; some rows may have been stored
  kInvalid,  // the batch is malformed; nothing changed
  kFailed,   // the backend failed; some rows may have been stored
};

struct DecoderTraits {
  std::int32_t num_vocab = 0;
  std::int32_t sequences = 0;     // ids 0..sequences-1
  std::int32_t contexts = 0;      // how many of them may run at once; the others may be cached
  std::int32_t context_size = 0;  // positions per sequence
  std::int32_t cells = 0;         // positions of all sequences together
  std::int32_t max_batch = 0;     // rows per Decode
  std::int32_t max_draft = 0;     // rows with logits beyond one for each context
  std::int32_t max_outputs = 0;   // rows with logits per Decode; >= contexts + max_draft and 3
  bool can_shift = false;
  // Whether states can be cut, down to ShortestCut; recurrent ones cannot.
  bool can_cut = true;
  bool shares_cells = false;  // a copy takes no time and no cells
  // Whether prefill and decode rows of several sequences may share a call. If not, the result of a
  // sequence does not depend on the others, bit for bit (see docs/determinism.md).
  bool mixes_rows = false;
  // Whether tokens that were evaluated one by one may be computed again many in a call: where this
  // gives the same bits, or where these depend on other rows anyway.
  bool can_recut = false;

  // Fewest tokens of a prefill call: where rows do not mix, a single one is a decode row.
  std::int32_t min_chunk() const { return mixes_rows ? 1 : 2; }
};

// Not thread-safe: one thread makes all calls of one decoder, including the destructor.
class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual const DecoderTraits& traits() const = 0;

  // Sets the adapters of later calls; null = the model alone.
  virtual void UseAdapters(const AdapterSet* adapters) = 0;

  // Evaluates the rows in order. `abort`, when given, is polled during the call,
  // unless positions were shifted since the last one.
  virtual DecodeStatus Decode(const Batch& batch, const std::atomic<bool>* abort) = 0;

  // The num_vocab logits of row `row` of the last successful Decode; the row must have wanted them.
  // Valid until the next call of any method but Logits.
  virtual const float* Logits(std::size_t row) = 0;

  // Runs job(0) .. job(count - 1), each once, on the threads that Decode computes with: they spin
  // between calls, and other threads would compete with them for cores. Jobs must not throw. False
  // when there are no such threads; then nothing was run.
  virtual bool RunBetweenCalls(std::size_t /*count*/,
                               const std::function<void(std::size_t)>& /*job*/) {
    return false;
  }

  // Removes positions >= from. False, without any change, when from < ShortestCut.
  virtual bool Truncate(SeqId seq, Position from) = 0;

  // The fewest positions that a cut can leave: 0 with full attention, all of them for a recurrent
  // state, and more than 0 where a sliding window has dropped older cells.
  virtual Position ShortestCut(SeqId seq) = 0;

  // Removes [keep, keep + count) and moves the following positions left by `count`.
  // Only when traits().can_shift; the sequence must hold these positions.
  virtual void Shift(SeqId seq, Position keep, Position count) = 0;

  // Gives the empty sequence `to` the first `count` positions of `from`; false when it cannot.
  virtual bool Copy(SeqId from, SeqId to, Position count) = 0;

  // Save() returns the whole state of a sequence that was never shifted, for Restore() into an
  // empty sequence of a decoder with the same model and settings. SavedSize(): bytes that Save()
  // would return. Both are 0 or empty on failure. A failed Restore() leaves the sequence empty.
  virtual std::uint64_t SavedSize(SeqId seq) = 0;
  virtual std::vector<std::uint8_t> Save(SeqId seq) = 0;
  virtual bool Restore(SeqId seq, const std::vector<std::uint8_t>& state) = 0;

  // Forgets the sequence; never fails.
  virtual void Clear(SeqId seq) = 0;

  // Largest stored position, -1 when empty.
  virtual Position MaxPosition(SeqId seq) = 0;
};

// Evaluates whole inputs between the steps of running streams, on the decoder's thread.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  // (tokens.size(), num_vocab), row-major.
  virtual Result<std::vector<float>> Logits(const std::vector<Token>& tokens) = 0;
  // (num_embd): pooled, L2-normalised.
  virtual Result<std::vector<float>> Embed(const std::vector<Token>& tokens) = 0;
};

}  // namespace sentiric
