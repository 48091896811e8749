// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/call_shape.h"

#include <cstddef>

namespace sentiric {

CallShape ShapeOf(const Batch& batch, const RunningSet& running) {
  CallShape shape;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Row& row = batch[i];
    const bool is_run = (i > 0 && batch[i - 1].seq == row.seq) ||
                        (i + 1 < batch.size() && batch[i + 1].seq == row.seq);
    const bool is_chunk = is_run || running.Find(row.seq)->is_prefilling();
    ++(is_chunk ? shape.prefill_tokens : shape.decode_rows);
    (is_chunk ? shape.prefill_context : shape.decode_context) += row.pos;
  }
  shape.decode_calls = shape.decode_rows > 0 ? 1 : 0;
  return shape;
}

CallShape ShapeWithoutDrafts(const Batch& batch, const RunningSet& running) {
  CallShape shape;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const bool is_first = i == 0 || batch[i].seq != batch[i - 1].seq;
    if (!is_first && !running.Find(batch[i].seq)->draft().empty()) continue;
    ++shape.decode_rows;
    shape.decode_context += batch[i].pos;
  }
  shape.decode_calls = 1;
  return shape;
}

}  // namespace sentiric
