// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/sampler_factory.h"

#include "backend/decode/chain_picker.h"
#include "core/sampling/row_edits.h"
#include "core/sampling/row_picker.h"
#include "core/sampling/seed.h"
#include "core/sampling/vocab_sampler.h"

namespace sentiric::backend {

Result<std::unique_ptr<TokenSampler>> ModelSamplerFactory::Create(const Request& request,
                                                                  const PreparedPrompt& prompt) {
  const SamplingParams& params = request.sampling;
  std::vector<Token> banned = sampling::BannedTokens(request, vocab_->end_tokens);
  const sampling::VocabView view(vocab_.get(), request);
  std::unique_ptr<sampling::Picker> picker;
  if (sampling::RowPicker::Supports(params)) {
    picker = std::make_unique<sampling::RowPicker>(params, view, std::move(banned),
                                                   sampling::FoldSeed(params.seed));
  } else {
    picker = MakeChainPicker(vocab_, request, std::move(banned));
  }
  std::optional<sampling::Thought> thought;
  if (request.thinking) {
    auto made = sampling::Thought::Make(*request.thinking, *vocab_, tokenize_);
    if (!made) return made.error();
    thought = std::move(made).value();
  }
  return std::unique_ptr<TokenSampler>(
      std::make_unique<sampling::VocabSampler>(vocab_, request, prompt, std::move(picker),
                                               jumps_ ? tokenize_ : nullptr, std::move(thought)));
}

}  // namespace sentiric::backend
