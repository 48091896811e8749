// SPDX-License-Identifier: AGPL-3.0-only
// The seam between the engine loop and whatever computes logits. backend/decode/llama_decoder
// implements it; tests implement it with a fake, so that the whole loop runs without a model.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

#include "core/seams/adapters.h"
#include "sentiric/types.h"

namespace sentiric {

// One token to evaluate: it goes to `pos` of `seq`.
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
  std::int32_t contexts = 0;      // of them run at the same time; the others may be cached
  std::int32_t context_size = 0;  // positions per sequence
  std::int32_t cells = 0;         // positions of all sequences together
  std::int32_t max_batch = 0;     // rows per Decode
  std::int32_t max_draft = 0;     // rows with logits beyond one for each context
  bool can_shift = false;
  // Whether states can be cut, as far back as ShortestCut says; recurrent ones cannot.
  bool can_cut = true;
  bool shares_cells = false;  // a copy takes no time and no cells
  // Whether prefill and decode rows of several sequences may share a call. Where it is false the
  // result of a sequence does not depend on its neighbours, bit for bit (see docs/determinism.md).
  bool mixes_rows = false;
};

// Not thread-safe: one thread makes all calls of one decoder, including the destructor.
class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual const DecoderTraits& traits() const = 0;

  // The adapters of the calls from now on; null = the model alone.
  virtual void UseAdapters(const AdapterSet* adapters) = 0;

  // Evaluates the rows in order. `abort`, when given, is polled during the call.
  virtual DecodeStatus Decode(const Batch& batch, const std::atomic<bool>* abort) = 0;

  // num_vocab logits of row `row` of the last successful Decode, which must have wanted them.
  // Valid until the next call of any method but Logits.
  virtual const float* Logits(std::size_t row) = 0;

  // job(0) .. job(count - 1), each once, on the threads that Decode computes with: they wait
  // between calls, and others would fight with them for the cores. Jobs must not throw. False when
  // there are no such threads; nothing was run then.
  virtual bool RunBetweenCalls(std::size_t /*count*/,
                               const std::function<void(std::size_t)>& /*job*/) {
    return false;
  }

  // Removes positions >= from; false, and nothing changed, when from < ShortestCut.
  virtual bool Truncate(SeqId seq, Position from) = 0;

  // The fewest positions that can be kept: none where all cells are there, all of them of a
  // recurrent state, a window's worth where attention slides and older cells may be gone.
  virtual Position ShortestCut(SeqId seq) = 0;

  // Removes [keep, keep + count) and moves what follows left by `count`.
  // Only when traits().can_shift; the sequence must hold these positions.
  virtual void Shift(SeqId seq, Position keep, Position count) = 0;

  // Gives the empty sequence `to` the first `count` positions of `from`; false when it cannot.
  virtual bool Copy(SeqId from, SeqId to, Position count) = 0;

  // All that the memory holds of a sequence that was never shifted, for Restore() into an empty
  // sequence of a decoder with the same model and settings. SavedSize: bytes that Save would give;
  // both are empty on failure. A Restore that fails leaves the sequence empty.
  virtual std::uint64_t SavedSize(SeqId seq) = 0;
  virtual std::vector<std::uint8_t> Save(SeqId seq) = 0;
  virtual bool Restore(SeqId seq, const std::vector<std::uint8_t>& state) = 0;

  // Forgets the sequence; never fails.
  virtual void Clear(SeqId seq) = 0;

  // Largest stored position, -1 when empty.
  virtual Position MaxPosition(SeqId seq) = 0;
};

// Whole-input evaluation beside the streams, on the decoder's thread.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  // (tokens.size(), num_vocab), row-major.
  virtual Result<std::vector<float>> Logits(const std::vector<Token>& tokens) = 0;
  // (num_embd): pooled, L2-normalised.
  virtual Result<std::vector<float>> Embed(const std::vector<Token>& tokens) = 0;
};

}  // namespace sentiric
