// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/batch_runner.h"

#include <algorithm>

#include "core/record/doing.h"

namespace sentiric {
namespace {

// Index of the first row of a sequence near the middle; 0 when there is only one sequence.
std::size_t SplitPoint(const Batch& batch) {
  std::size_t at = batch.size() / 2;
  while (at < batch.size() && batch[at].seq == batch[at - 1].seq) ++at;
  if (at < batch.size()) return at;
  at = batch.size() / 2;
  while (at > 0 && batch[at].seq == batch.back().seq) --at;
  return batch[at].seq == batch.back().seq ? 0 : at + 1;
}

}  // namespace

void BatchRunner::Start(const Batch& batch, const std::atomic<bool>* abort) {
  batch_ = &batch;
  abort_ = abort;
  todo_.assign(1, {0, batch.size()});
  lost_.clear();
}

std::optional<BatchPart> BatchRunner::Decode() {
  for (;;) {
    if (!lost_.empty()) return TakeLost();
    if (todo_.empty()) return std::nullopt;
    const Span span = todo_.back();
    todo_.pop_back();
    const Batch& rows = RowsOf(span);
    ++num_calls_;
    const DecodeStatus status = DecodeRows(rows);
    abort_ = nullptr;  // do not abort parts of a batch
    switch (status) {
      case DecodeStatus::kOk: return BatchPart{status, &rows, rows.front().seq};
      case DecodeStatus::kAborted: continue;
      case DecodeStatus::kKvFull: ++num_kv_full_; break;
      case DecodeStatus::kInvalid: break;
      case DecodeStatus::kFailed: Restore(rows); break;
    }
    if (const auto part = Narrow(span, rows, status)) return part;
  }
}

DecodeStatus BatchRunner::DecodeRows(const Batch& rows) {
  const record::Doing doing(record::Place::kDecode);
  return decoder_->Decode(rows, abort_);
}

const Batch& BatchRunner::RowsOf(Span span) {
  if (span.end - span.begin == batch_->size()) return *batch_;
  const auto first = batch_->begin();
  half_.assign(first + static_cast<std::ptrdiff_t>(span.begin),
               first + static_cast<std::ptrdiff_t>(span.end));
  return half_;
}

// Cuts every sequence back to its length before the call.
void BatchRunner::Restore(const Batch& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i > 0 && rows[i].seq == rows[i - 1].seq) continue;
    if (!decoder_->Truncate(rows[i].seq, rows[i].pos)) lost_.push_back(rows[i].seq);
  }
  std::reverse(lost_.begin(), lost_.end());
}

// Returns the part if it is a single sequence; else queues its halves.
std::optional<BatchPart> BatchRunner::Narrow(Span span, const Batch& rows, DecodeStatus status) {
  const std::size_t split = rows.size() > 1 ? SplitPoint(rows) : 0;
  if (split == 0) return BatchPart{status, nullptr, rows.front().seq};
  todo_.push_back({span.begin + split, span.end});
  todo_.push_back({span.begin, span.begin + split});
  return std::nullopt;
}

std::optional<BatchPart> BatchRunner::TakeLost() {
  const SeqId seq = lost_.back();
  lost_.pop_back();
  return BatchPart{DecodeStatus::kFailed, nullptr, seq};
}

}  // namespace sentiric
