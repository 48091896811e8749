// SPDX-License-Identifier: AGPL-3.0-only
// Samples the next tokens of a call, on as many threads as pay.
#pragma once

#include <vector>

#include "core/sampling/row_pool.h"
#include "core/scheduling/sequence.h"
#include "core/seams/decoder.h"

namespace sentiric {

// Rows of a sequence.
struct LogitRows {
  Sequence* sequence;
  std::vector<const float*> prompt;  // each scores the token of the prompt behind it
  std::vector<const float*> logits;  // it samples from: that of its last token, then of its draft
};

class RowSampler {
 public:
  // decoder: the one that computed the logits; outlives the sampler.
  explicit RowSampler(Decoder* decoder);

  // Calls Sequence::Score and Sequence::Sample for each of them. The logits must stay valid until
  // it returns.
  void Sample(const std::vector<LogitRows>& rows);

 private:
  Decoder* const decoder_;
  sampling::RowPool pool_;  // used when the decoder has no threads to lend
};

}  // namespace sentiric
