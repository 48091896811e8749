// SPDX-License-Identifier: AGPL-3.0-only
// One running request: its tokens, how many of them are evaluated, and its text.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/cache/context_pool.h"
#include "core/cache/prefix_request.h"
#include "core/scheduling/batch_plan.h"
#include "core/scheduling/repetition.h"
#include "core/scheduling/request_state.h"
#include "core/seams/adapters.h"
#include "core/seams/decoder.h"
#include "core/seams/token_sampler.h"
#include "core/speculation/speculation.h"
#include "core/text/text_stream.h"

namespace sentiric {

// How a request ends that fails with this error.
inline FinishReason FinishReasonOf(const Error& error) {
  return error.code == ErrorCode::kCancelled ? FinishReason::kCancelled : FinishReason::kError;
}

// What leaves a context that is full to its last position; nothing when it cannot shift.
struct ContextShift {
  std::int32_t keep = 0;   // the head that stays
  std::int32_t count = 0;  // tokens that go from behind it
};

// For the worker thread only, except Sample(). `tokens()[0, evaluated())` mirror its KV cells.
class Sequence {
 public:
  // traits: those of the decoder that evaluates it.
  Sequence(RequestHandle request, std::unique_ptr<TokenSampler> sampler, AdapterSetHandle adapters,
           const DecoderTraits& traits, Clock::time_point now);

  // Takes over the tokens that an earlier run of the request has sent, as if this one had sampled
  // and sent them. Before the first Place(). Returns the number of new tokens: the earlier run may
  // have ended between tokens that a grammar forces at once. kInvalidArgument when they are not
  // the beginning of this request's answer or end it; else see TokenSampler::Replay.
  Result<std::int32_t> Resume(Clock::time_point now);

  // A sequence runs while it holds a lease and waits without one.
  void Place(ContextLease lease, Clock::time_point now);
  void Preempt(Clock::time_point now);
  // Whether it made progress since the last call; recomputing does not count.
  bool Advance();
  // Time without a context: before the first one and after each preemption.
  Clock::duration Waited(Clock::time_point now) const;
  double HeldMs(Clock::time_point now) const;  // time with a context
  // Starts with `attached` tokens already in the KV cache.
  void Begin(std::int32_t attached, std::uint64_t step);

  PrefixRequest prefix_request() const;
  SequenceView View(std::uint64_t step) const;
  SeqId seq() const { return lease_->seq(); }
  const RequestState& request() const { return *request_; }
  const RequestHandle& handle() const { return request_; }
  const AdapterSet* adapters() const { return adapters_.get(); }
  const std::vector<Token>& tokens() const { return tokens_; }
  std::int32_t prompt_size() const { return prompt_size_; }
  bool has_begun() const { return has_begun_; }
  // Whether nothing is to be computed for it: see PrefixRequest::needs_logits.
  bool is_covered() const {
    return request_->is_prefix() && prompt_size_ - evaluated_ < traits_.min_chunk();
  }
  std::int32_t evaluated() const { return evaluated_; }
  bool is_prefilling() const { return evaluated_ < prompt_size_; }
  // Tokens past the prompt that are evaluated together next; see SequenceView.
  std::int32_t run() const;
  bool is_finished() const { return is_finished_; }

  // Whether the logits of a row are for Score: they are about a token of the prompt.
  bool IsScoredBy(const Row& row) const { return is_scored() && row.pos + 1 < num_to_score_; }
  // Whether its credit is used up: it keeps its context, but nothing is computed for it.
  bool waits_for_reader() const;
  void NoteReader(Clock::time_point now);  // once a step
  Clock::duration reader_wait(Clock::time_point now) const;

  // `rows` more tokens are in the KV cache; the scheduler needs `step` to see who waits longest.
  void OnEvaluated(std::int32_t rows, std::uint64_t step);

  // How many tokens are worth drafting now; 0 for requests with a grammar or logprobs.
  std::int32_t DraftLimit() const;
  // The next call verifies the draft, which may be of the request's prediction.
  void SetDraft(std::vector<Token> draft, bool is_predicted = false);
  const std::vector<Token>& draft() const { return draft_; }
  // The draft was not used, which changes nothing; or there was no room for it, which pauses
  // drafting; or a call verified it at the cost of `cost` calls of one token.
  void DropDraft() { draft_.clear(); }
  void AbandonDraft();
  void OnVerified(double cost);
  bool is_verified() const { return num_accepted_ != kNotVerified; }
  std::int32_t num_accepted() const { return num_accepted_; }  // of the last draft

  // Makes the log-probabilities of the next tokens of the prompt, each from a row behind the token
  // before it; what fails is for OnScored. Any thread, one at a time.
  void Score(const std::vector<const float*>& rows);
  void OnScored(Clock::time_point now);

  // Chooses the next token from the logits of the last one and, as long as the choice is the
  // drafted token, further ones from the following rows. Then finds the tokens that a grammar
  // forces. Any thread, one at a time.
  void Sample(const std::vector<const float*>& rows);
  // Takes the tokens that Sample() chose: extends text and tokens, and finishes the request when it
  // ends. Returns the number of new tokens.
  std::int32_t OnSampled(Clock::time_point now);

  bool has_full_context() const { return evaluated_ >= traits_.context_size; }
  // Half of what follows the kept head, and at least all of its first `shared` tokens, whose cells
  // others have as well. The head is cut only when it would leave less than an eighth of the
  // context.
  ContextShift NextShift(std::int32_t shared = 0) const;
  // The decoder has shifted.
  void OnShifted(const ContextShift& shift);

  // Ends the request. Later calls change nothing.
  void Finish(FinishReason reason, Clock::time_point now);
  void Fail(Error error, Clock::time_point now);

  // The event of this step, if there is one.
  std::optional<Event> MaybeTakeEvent();

 private:
  static constexpr std::int32_t kNotVerified = -1;

  std::int32_t max_tokens() const { return request_->request.max_tokens; }
  std::int32_t num_delivered() const {
    return static_cast<std::int32_t>(request_->request.delivered.size());
  }
  // Whether this run has sent a token.
  bool has_answered() const { return num_generated_ > num_delivered(); }
  std::int32_t max_run() const;
  std::int32_t newest_run() const;
  std::vector<SampledToken> Forced(std::int32_t generated, std::int32_t held);
  Status TakeOver(const SampledToken& token, bool is_forced);
  std::int64_t num_sent() const;  // in units of credit
  bool is_scored() const { return scored_ < num_to_score_; }
  void Accept(const SampledToken& sampled, bool is_forced, Clock::time_point now);
  Final MakeFinal(FinishReason reason, Clock::time_point now);

  const RequestHandle request_;
  std::optional<ContextLease> lease_;
  const std::unique_ptr<TokenSampler> sampler_;
  const AdapterSetHandle adapters_;
  const DecoderTraits traits_;
  const Clock::time_point started_;  // first left the queue
  Clock::duration waited_;           // until it was placed last
  Clock::time_point preempted_;      // or created; valid while it holds no lease

  std::vector<Token> tokens_;
  std::vector<bool> is_forced_;  // by token: evaluated together with the previous one
  std::int32_t prompt_size_;
  std::int32_t evaluated_ = 0;
  std::int32_t furthest_ = 0;                      // largest evaluated_ at the last Advance()
  std::optional<Clock::time_point> unread_since_;  // while it waits for its reader
  bool has_begun_ = false;  // no longer waits for a prefix; its rows may be planned
  bool was_preempted_ = false;
  std::int32_t cached_ = 0;        // prompt tokens taken from the prefix cache
  std::int32_t num_to_score_ = 0;  // tokens of the prompt that get log-probabilities
  std::int32_t scored_ = 0;        // of these, how many have
  Status score_error_;
  std::int32_t num_generated_ = 0;    // delivered ones included
  std::int32_t reported_shifts_ = 0;  // tokens that are still to be shifted out once more
  std::uint64_t last_served_ = 0;
  Speculation speculation_;
  std::vector<Token> draft_;
  std::int32_t num_accepted_ = 0;
  bool is_predicted_ = false;  // the draft
  DraftCount drafts_, predictions_;
  std::vector<Result<SampledToken>> sampled_;  // between Sample and OnSampled
  std::vector<SampledToken> forced_;           // forced tokens behind them
  TextStream text_;
  Repetition repetition_;
  ThoughtCount thought_;
  std::optional<Token> stop_token_;
  Clock::time_point first_token_;  // valid once has_answered()
  Event event_;                    // of the current step
  bool has_news_ = false;
  bool may_end_ = false;  // the grammar allows the text to end as it is now
  bool is_finished_ = false;
};

}  // namespace sentiric
