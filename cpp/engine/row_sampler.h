// SPDX-License-Identifier: AGPL-3.0-only
// Chooses the next tokens of a call, on as many threads as are worth it.
#pragma once

#include <vector>

#include "core/sampling/row_pool.h"
#include "core/scheduling/sequence.h"
#include "core/seams/decoder.h"

namespace sentiric {

// What a sequence samples from: the row of its last token, then those of its draft.
struct LogitRows {
  Sequence* sequence;
  std::vector<const float*> logits;
};

class RowSampler {
 public:
  // decoder: whose logits they are; outlives it.
  explicit RowSampler(Decoder* decoder);

  // Sequence::Sample for each of them. The logits need only live until it returns.
  void Sample(const std::vector<LogitRows>& rows);

 private:
  Decoder* const decoder_;
  sampling::RowPool pool_;  // where the decoder has no threads to lend
};

}  // namespace sentiric
