// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/batch_runner.h"

#include <algorithm>

namespace sentiric {
namespace {

// Index of the first row of the sequence that follows the middle; 0 when there is one sequence.
std::size_t SplitPoint(const Batch& batch) {
  std::size_t at = batch.size() / 2;
  while (at < batch.size() && batch[at].seq == batch[at - 1].seq) ++at;
  if (at < batch.size()) return at;
  at = batch.size() / 2;
  while (at > 0 && batch[at].seq == batch.back().seq) --at;
  return batch[at].seq == batch.back().seq ? 0 : at + 1;
}

}  // namespace

void BatchRunner::Run(const Batch& batch, const std::atomic<bool>* abort) {
  ++num_calls_;
  const DecodeStatus status = decoder_->Decode(batch, abort);
  switch (status) {
    case DecodeStatus::kOk: return sink_->OnEvaluated(batch);
    case DecodeStatus::kAborted: return;  // its request ends as cancelled in the next step
    case DecodeStatus::kKvFull: ++num_kv_full_; break;
    case DecodeStatus::kInvalid: break;
    case DecodeStatus::kFailed: Restore(batch); break;
  }
  Narrow(batch, status);
}

// Cuts every sequence back to where it was before the batch.
void BatchRunner::Restore(const Batch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i > 0 && batch[i].seq == batch[i - 1].seq) continue;
    if (!decoder_->Truncate(batch[i].seq, batch[i].pos)) {
      sink_->OnFailed(batch[i].seq, DecodeStatus::kFailed);
    }
  }
}

void BatchRunner::Narrow(const Batch& batch, DecodeStatus status) {
  const std::size_t split = batch.size() > 1 ? SplitPoint(batch) : 0;
  if (split > 0) {
    Run(Batch(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(split)), nullptr);
    Run(Batch(batch.begin() + static_cast<std::ptrdiff_t>(split), batch.end()), nullptr);
  } else if (status == DecodeStatus::kKvFull) {
    sink_->OnNoRoom(batch.front().seq);
  } else {
    sink_->OnFailed(batch.front().seq, status);
  }
}

}  // namespace sentiric
