// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/vocab_sampler.h"

#include <algorithm>
#include <utility>

#include "core/sampling/logprobs.h"

namespace sentiric::sampling {

namespace {

// Forced text considered at once: longer than any key worth a jump.
constexpr std::size_t kMaxForcedBytes = 512;
// Enough context for the tokenizer.
constexpr std::size_t kTailBytes = 16;

Error NotResumable() {
  return {ErrorCode::kNotSupported, "delivered",
          "cannot be resumed: mirostat depends on the probabilities of all earlier tokens"};
}
Error NotAllowed() {
  return {ErrorCode::kInvalidArgument, "delivered", "the grammar does not allow these tokens"};
}

}  // namespace

VocabSampler::VocabSampler(std::shared_ptr<const Vocab> vocab, const Request& request,
                           const PreparedPrompt& prompt, std::unique_ptr<Picker> picker,
                           Tokenize tokenize)
    : vocab_(std::move(vocab)),
      top_logprobs_(request.sampling.top_logprobs),
      picker_(std::move(picker)),
      tokenize_(std::move(tokenize)) {
  if (prompt.grammar) grammar_.emplace(prompt.grammar, vocab_.get());
  // Penalties look back into the prompt, too.
  const auto memory = static_cast<std::size_t>(
      std::max(request.sampling.repeat_last_n, request.sampling.dry_penalty_last_n));
  const std::size_t first = prompt.tokens.size() - std::min(memory, prompt.tokens.size());
  for (std::size_t i = first; i < prompt.tokens.size(); ++i) picker_->Accept(prompt.tokens[i]);
}

Result<SampledToken> VocabSampler::Sample(const float* logits) {
  const Result<Token> picked = picker_->Pick(logits, grammar_ ? &*grammar_ : nullptr);
  if (!picked) return picked.error();
  SampledToken sampled = Meaning(*picked);
  if (top_logprobs_ >= 0) {
    sampled.logprob = LogprobsOf(logits, vocab_->pieces, sampled.token, top_logprobs_);
  }
  if (!Remember(&sampled)) {
    return grammar_->status().value_or(
        Error{ErrorCode::kInternal, "grammar", "the sampled token is not allowed by the grammar"});
  }
  return sampled;
}

Result<SampledToken> VocabSampler::Replay(Token token) {
  if (token < 0 || token >= vocab_->size()) {
    return OutOfRange("delivered token", std::to_string(token),
                      "0.." + std::to_string(vocab_->size() - 1));
  }
  if (!picker_->Skip()) return NotResumable();
  SampledToken replayed = Meaning(token);
  const bool is_text = replayed.is_end || !replayed.piece.empty();
  if (grammar_ && !is_text) return NotAllowed();
  if (!Remember(&replayed)) return grammar_->status().value_or(NotAllowed());
  return replayed;
}

SampledToken VocabSampler::Meaning(Token token) const {
  const auto index = static_cast<std::size_t>(token);
  SampledToken meaning;
  meaning.token = token;
  meaning.is_end = vocab_->is_end[index];
  meaning.piece = vocab_->pieces[index];
  return meaning;
}

// False when the grammar does not allow the token.
bool VocabSampler::Remember(SampledToken* sampled) {
  picker_->Accept(sampled->token);
  if (!grammar_ || sampled->is_end) return true;
  if (tail_.size() > kTailBytes) tail_.clear();
  tail_ += sampled->piece;
  const bool is_allowed = grammar_->Advance(sampled->piece);
  sampled->may_end = grammar_->CanEnd();
  return is_allowed;
}

std::vector<SampledToken> VocabSampler::Forced(std::size_t max_tokens) {
  if (!grammar_ || !tokenize_ || top_logprobs_ >= 0) return {};
  const std::string text = grammar_->Forced(kMaxForcedBytes);
  if (text.size() < 2) return {};
  std::vector<SampledToken> forced;
  for (const Token token : ForcedTokens(*vocab_, tokenize_, tail_, text)) {
    if (forced.size() == max_tokens || !picker_->Skip()) break;
    forced.push_back(Meaning(token));
    if (!Remember(&forced.back())) return {};  // cannot happen: its bytes were forced
  }
  return forced;
}

}  // namespace sentiric::sampling
