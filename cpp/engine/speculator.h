// SPDX-License-Identifier: AGPL-3.0-only
// Who has a draft in a step, and what it costs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/scheduling/running_set.h"
#include "core/seams/decoder.h"
#include "core/seams/drafter.h"

namespace sentiric {

// Asks the drafter for the running sequences. After a failure there are no more drafts.
class Speculator {
 public:
  // drafter: null = drafts from earlier text. traits: of the decoder that verifies.
  Speculator(std::unique_ptr<Drafter> drafter, const DecoderTraits& traits);

  // Gives those that may have one a draft for this step; the others have none.
  void Draft(const RunningSet& running);
  // The text of the sequence is over, or tokens were taken out of it.
  void Forget(SeqId seq);

  // What the drafts of this step cost each stream that has one, beside their verification.
  double draft_ms() const { return draft_ms_; }
  std::uint64_t num_failures() const { return num_failures_; }

 private:
  std::int32_t DraftFor(const RunningSet& running, std::int32_t num_streams);

  std::unique_ptr<Drafter> drafter_;  // null after it failed
  const DecoderTraits traits_;
  double draft_ms_ = 0;
  std::int32_t drafts_in_a_row_;  // steps with drafts
  std::uint64_t num_failures_ = 0;
};

}  // namespace sentiric
