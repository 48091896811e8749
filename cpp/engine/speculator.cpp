// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/speculator.h"

#include <algorithm>
#include <utility>

#include "core/speculation/ngram_drafter.h"
#include "core/speculation/prediction_drafter.h"

namespace sentiric {
namespace {

// After so many steps with drafts comes one without, so that its cost stays known.
constexpr std::int32_t kDraftsInARow = 32;

}  // namespace

Speculator::Speculator(std::unique_ptr<Drafter> drafter, const DecoderTraits& traits)
    : drafter_(std::make_unique<PredictionDrafter>(drafter ? std::move(drafter)
                                                           : std::make_unique<PromptLookup>())),
      traits_(traits),
      drafts_in_a_row_(kDraftsInARow) {}

// Where a draft needs a call of its own, only a stream that runs alone drafts: for other streams
// the call would cost an extra pass over the weights.
void Speculator::Draft(const RunningSet& running) {
  std::int32_t num_streams = 0;
  for (const auto& sequence : running) {
    sequence->DropDraft();
    num_streams += sequence->has_begun() && !sequence->is_prefilling() ? 1 : 0;
  }
  if (!drafter_ || traits_.max_draft == 0 || !traits_.can_cut || num_streams == 0) return;
  const bool may = drafts_in_a_row_ < kDraftsInARow && (traits_.mixes_rows || num_streams == 1);
  drafts_in_a_row_ = may && DraftFor(running, num_streams) > 0 ? drafts_in_a_row_ + 1 : 0;
}

// Returns the number of streams with a draft. Streams without one also wait; that time is charged
// to those that draft.
std::int32_t Speculator::DraftFor(const RunningSet& running, std::int32_t num_streams) {
  std::vector<DraftRequest> requests;
  std::vector<Sequence*> asking;
  for (const auto& sequence : running) {
    const std::int32_t limit = sequence->DraftLimit();
    if (limit <= 0) continue;
    const RequestState& asked = sequence->request();
    requests.push_back({sequence->seq(), &sequence->tokens(), &asked.scope, limit,
                        &asked.request.prediction, sequence->prompt_size()});
    asking.push_back(sequence.get());
  }
  if (requests.empty()) return 0;
  Result<Drafts> drafts = drafter_->Draft(requests, traits_.max_draft);
  if (!drafts) {
    ++num_failures_;
    drafter_.reset();
    return 0;
  }
  std::int32_t num_drafts = 0;
  for (std::size_t i = 0; i < asking.size(); ++i) {
    num_drafts += drafts->tokens[i].empty() ? 0 : 1;
    asking[i]->SetDraft(std::move(drafts->tokens[i]), drafts->is_predicted[i]);
  }
  draft_ms_ = drafts->ms * num_streams / std::max(1, num_drafts);
  return num_drafts;
}

void Speculator::Forget(SeqId seq) {
  if (drafter_) drafter_->Forget(seq);
}

}  // namespace sentiric
