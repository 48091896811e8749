// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/vocab_sampler.h"

#include <algorithm>
#include <cmath>
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

Error NotForced() {
  return {ErrorCode::kInvalidArgument, "delivered", "the limit of thoughts forces other tokens"};
}
Error NotClosable() {
  return {ErrorCode::kInvalidArgument, "thinking.closing",
          "the grammar does not allow this text where the thought is over its limit"};
}

}  // namespace

VocabSampler::VocabSampler(std::shared_ptr<const Vocab> vocab, const Request& request,
                           const PreparedPrompt& prompt, std::unique_ptr<Picker> picker,
                           Tokenize tokenize, std::optional<Thought> thought)
    : vocab_(std::move(vocab)),
      view_(vocab_.get(), request),
      stop_tokens_(request.stop_tokens),
      top_logprobs_(request.sampling.top_logprobs),
      follows_lists_(!request.sampling.allowed_tokens.empty() || !request.bad_words.empty()),
      picker_(std::move(picker)),
      thought_(std::move(thought)),
      bans_(request, view_),
      tokenize_(std::move(tokenize)) {
  if (prompt.grammar) grammar_.emplace(prompt.grammar, view_);
  // Penalties look back into the prompt, too.
  const auto memory = static_cast<std::size_t>(
      std::max(request.sampling.repeat_last_n, request.sampling.dry_penalty_last_n));
  const std::size_t first = prompt.tokens.size() - std::min(memory, prompt.tokens.size());
  for (std::size_t i = first; i < prompt.tokens.size(); ++i) picker_->Accept(prompt.tokens[i]);
}

Result<SampledToken> VocabSampler::Sample(const float* logits) {
  const bool must_close = thought_ && thought_->Next() >= 0;
  const Result<Token> chosen = Choose(logits);
  if (!chosen) return chosen.error();
  SampledToken sampled = Meaning(*chosen);
  if (top_logprobs_ >= 0) {
    Result<ChosenLogprob> logprob = Score(logits, *chosen, top_logprobs_);
    if (!logprob) return logprob.error();
    sampled.logprob = std::move(logprob).value();
  }
  if (!Remember(&sampled)) {
    const Error refused = must_close ? NotClosable()
                                     : Error{ErrorCode::kInternal, "grammar",
                                             "the sampled token is not allowed by the grammar"};
    return grammar_->status().value_or(refused);
  }
  return sampled;
}

// The random generators move on with each token, also with one that must come.
Result<Token> VocabSampler::Choose(const float* logits) {
  if (thought_ && thought_->Next() >= 0) {
    picker_->Skip();
    const Token next = thought_->Next();
    thought_->Take();
    return next;
  }
  if (bans_.IsNeeded()) picker_->Ban(bans_.Now());
  return picker_->Pick(logits, grammar_ ? &*grammar_ : nullptr);
}

// Before any penalty, bias or temperature. Control tokens that are text for the request have no
// text in the vocabulary.
Result<ChosenLogprob> VocabSampler::Score(const float* logits, Token token,
                                          std::int32_t num_top) const {
  ChosenLogprob none{{token, std::string(view_.Piece(token)), NAN}, {}};
  if (logits == nullptr) return none;
  Result<ChosenLogprob> logprob = LogprobsOf(logits, vocab_->pieces, token, num_top);
  if (!logprob) return logprob;
  logprob->chosen.piece = std::move(none.chosen.piece);
  for (TokenLogprob& other : logprob->top) other.piece = view_.Piece(other.token);
  return logprob;
}

Result<SampledToken> VocabSampler::Replay(Token token) {
  if (token < 0 || token >= vocab_->size()) {
    return OutOfRange("delivered token", std::to_string(token),
                      "0.." + std::to_string(vocab_->size() - 1));
  }
  if (!picker_->Skip()) return NotResumable();
  SampledToken replayed = Meaning(token);
  if (thought_ && thought_->Next() >= 0) {
    if (thought_->Next() != token) return NotForced();
    thought_->Take();
  } else if (grammar_ && !replayed.is_end && replayed.piece.empty()) {
    return NotAllowed();
  }
  if (!Remember(&replayed)) return grammar_->status().value_or(NotAllowed());
  return replayed;
}

SampledToken VocabSampler::Meaning(Token token) const {
  SampledToken meaning;
  meaning.token = token;
  meaning.is_stop =
      std::find(stop_tokens_.begin(), stop_tokens_.end(), token) != stop_tokens_.end();
  meaning.is_end = meaning.is_stop || view_.IsEnd(token);
  meaning.piece = view_.Piece(token);
  if (thought_) meaning.thought = thought_->count();
  return meaning;
}

// False when the grammar does not allow the token. A stop token that has text ends the answer where
// the text before it ends; end tokens are only chosen where it may.
bool VocabSampler::Remember(SampledToken* sampled) {
  if (sampled->is_end) {
    picker_->Accept(sampled->token);
    if (grammar_ && !view_.IsEnd(sampled->token)) sampled->may_end = grammar_->CanEnd();
    return true;
  }
  if (grammar_) {
    if (!grammar_->Advance(sampled->piece)) return false;
    if (tail_.size() > kTailBytes) tail_.clear();
    tail_ += sampled->piece;
    sampled->may_end = grammar_->CanEnd();
  }
  picker_->Accept(sampled->token);
  bans_.Accept(sampled->token);
  if (!thought_) return true;
  thought_->See(sampled->token, sampled->piece);
  sampled->thought = thought_->count();
  return true;
}

std::vector<SampledToken> VocabSampler::Forced(std::size_t max_tokens) {
  std::vector<SampledToken> forced;
  if (!tokenize_ || top_logprobs_ >= 0) return forced;
  if (thought_) AddClosing(max_tokens, &forced);
  if (grammar_ && !follows_lists_) AddForcedText(max_tokens, &forced);
  return forced;
}

// Where the grammar refuses the text, Sample() says so.
void VocabSampler::AddClosing(std::size_t max_tokens, std::vector<SampledToken>* forced) {
  while (forced->size() < max_tokens && thought_->Next() >= 0) {
    SampledToken next = Meaning(thought_->Next());
    const bool is_refused = next.is_end || (grammar_ && !grammar_->Accepts(next.piece));
    if (is_refused || !picker_->Skip()) return;
    thought_->Take();
    if (!Remember(&next)) return;  // cannot happen: the grammar was asked
    forced->push_back(next);
  }
}

void VocabSampler::AddForcedText(std::size_t max_tokens, std::vector<SampledToken>* forced) {
  if (thought_ && thought_->Next() >= 0) return;
  const std::string text = grammar_->Forced(kMaxForcedBytes);
  if (text.size() < 2) return;
  for (const Token token : ForcedTokens(view_, tokenize_, tail_, text)) {
    SampledToken next = Meaning(token);
    // Whether a stop token may come yet is for Sample() to say.
    if (forced->size() >= max_tokens || next.is_end || !picker_->Skip()) return;
    if (!Remember(&next)) return;  // cannot happen: its bytes were forced
    forced->push_back(next);
    if (thought_ && thought_->Next() >= 0) return;
  }
}

}  // namespace sentiric::sampling
