// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/vocab_sampler.h"

#include <algorithm>
#include <utility>

#include "core/sampling/logprobs.h"

namespace sentiric::sampling {

VocabSampler::VocabSampler(std::shared_ptr<const Vocab> vocab, const Request& request,
                           const PreparedPrompt& prompt, std::unique_ptr<Picker> picker)
    : vocab_(std::move(vocab)),
      top_logprobs_(request.sampling.top_logprobs),
      picker_(std::move(picker)) {
  if (prompt.grammar) grammar_.emplace(prompt.grammar, vocab_.get());
  // Penalties look back at the prompt, too.
  const auto memory = static_cast<std::size_t>(
      std::max(request.sampling.repeat_last_n, request.sampling.dry_penalty_last_n));
  const std::size_t first = prompt.tokens.size() - std::min(memory, prompt.tokens.size());
  for (std::size_t i = first; i < prompt.tokens.size(); ++i) picker_->Accept(prompt.tokens[i]);
}

Result<SampledToken> VocabSampler::Sample(const float* logits) {
  const Result<Token> picked = picker_->Pick(logits, grammar_ ? &*grammar_ : nullptr);
  if (!picked) return picked.error();
  const auto index = static_cast<std::size_t>(*picked);
  SampledToken sampled;
  sampled.token = *picked;
  sampled.is_end = vocab_->is_end[index];
  sampled.piece = vocab_->pieces[index];
  if (top_logprobs_ >= 0) {
    sampled.logprob = LogprobsOf(logits, vocab_->pieces, sampled.token, top_logprobs_);
  }
  picker_->Accept(sampled.token);
  if (grammar_ && !sampled.is_end && !grammar_->Advance(sampled.piece)) {
    return grammar_->status().value_or(
        Error{ErrorCode::kInternal, "grammar", "the sampled token leaves the grammar"});
  }
  return sampled;
}

}  // namespace sentiric::sampling
