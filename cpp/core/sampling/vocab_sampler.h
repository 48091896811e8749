// SPDX-License-Identifier: AGPL-3.0-only
// One request's sampler: picks, keeps the grammar's state and tells what the token means.
#pragma once

#include <memory>
#include <optional>

#include "core/sampling/picker.h"
#include "core/token_sampler.h"

namespace sentiric::sampling {

class VocabSampler : public TokenSampler {
 public:
  VocabSampler(std::shared_ptr<const Vocab> vocab, const Request& request,
               const PreparedPrompt& prompt, std::unique_ptr<Picker> picker);

  Result<SampledToken> Sample(const float* logits) override;

 private:
  const std::shared_ptr<const Vocab> vocab_;
  const std::int32_t top_logprobs_;
  const std::unique_ptr<Picker> picker_;
  std::optional<GrammarFilter> grammar_;
};

}  // namespace sentiric::sampling
