// SPDX-License-Identifier: AGPL-3.0-only
// Decides which sequences draft in a step, and measures what that costs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/scheduling/running_set.h"
#include "core/seams/decoder.h"
#include "core/seams/drafter.h"

namespace sentiric {

// Gets drafts for the running sequences. After a failure there are no more drafts.
class Speculator {
 public:
  // drafter: of what predictions say nothing about; null = drafts from earlier text. traits: those
  // of the decoder that verifies.
  Speculator(std::unique_ptr<Drafter> drafter, const DecoderTraits& traits);

  // Gives each sequence a draft for this step, or none.
  void Draft(const RunningSet& running);
  // The text of the sequence has ended, or tokens were removed from it.
  void Forget(SeqId seq);

  // Cost of drafting in this step for each stream with a draft, without verification.
  double draft_ms() const { return draft_ms_; }
  std::uint64_t num_failures() const { return num_failures_; }

 private:
  std::int32_t DraftFor(const RunningSet& running, std::int32_t num_streams);

  std::unique_ptr<Drafter> drafter_;  // null after it failed
  const DecoderTraits traits_;
  double draft_ms_ = 0;
  std::int32_t drafts_in_a_row_;  // consecutive steps with drafts
  std::uint64_t num_failures_ = 0;
};

}  // namespace sentiric
