// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/row_sampler.h"

#include <algorithm>
#include <functional>

#include "core/record/doing.h"
#include "host/cpu_budget.h"

namespace sentiric {
namespace {

// Sampling the rows of a step takes a fraction of a millisecond; more threads would only wait.
constexpr std::int32_t kMaxHelpers = 3;

}  // namespace

RowSampler::RowSampler(Decoder* decoder)
    : decoder_(decoder), pool_(std::min(kMaxHelpers, NumUsableCpus() - 1)) {}

void RowSampler::Sample(const std::vector<LogitRows>& rows) {
  const auto num_vocab = static_cast<std::size_t>(decoder_->traits().num_vocab);
  const std::function<void(std::size_t)> job = [&](std::size_t i) {
    const RequestId tag = rows[i].sequence->request().request.tag;
    const record::Doing doing(record::Place::kSampling, tag);
    if (!rows[i].prompt.empty()) rows[i].sequence->Score(rows[i].prompt);
    if (!rows[i].logits.empty()) rows[i].sequence->Sample(rows[i].logits);
  };
  const bool is_shared = sampling::RowPool::IsWorthSharing(rows.size(), num_vocab);
  if (is_shared && decoder_->RunBetweenCalls(rows.size(), job)) return;
  pool_.Run(rows.size(), num_vocab, job);
}

}  // namespace sentiric
