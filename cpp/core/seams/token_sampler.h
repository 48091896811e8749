// SPDX-License-Identifier: AGPL-3.0-only
// The seam for choosing tokens: one TokenSampler per request.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sentiric/prompt.h"
#include "sentiric/types.h"

namespace sentiric {

// See ThinkingLimit.
struct ThoughtCount {
  std::int32_t num_tokens = 0;
  bool was_ended = false;  // by the limit
};

struct SampledToken {
  Token token = 0;
  bool is_end = false;     // ends the generation and is not part of the text
  std::string_view piece;  // raw bytes, valid as long as the sampler
  std::optional<ChosenLogprob> logprob;
  bool may_end = true;     // the grammar allows the text to end behind it
  bool is_stop = false;    // an end because it is a stop token of the request
  ThoughtCount thought{};  // of the answer so far
};

// One thread at a time uses it. Holds grammar state, penalty memory and random generator.
class TokenSampler {
 public:
  virtual ~TokenSampler() = default;
  // Picks a token from num_vocab logits and remembers it.
  // kNumeric for NaN or infinite logits, kGrammarTooComplex when the grammar's budget is spent,
  // kInternal when nothing can be chosen.
  virtual Result<SampledToken> Sample(const float* logits) = 0;
  // Remembers a token of an earlier run as if Sample() had picked it, without its logits.
  // kInvalidArgument when the request cannot have picked it, kGrammarTooComplex as Sample(),
  // kNotSupported when what comes next depends on more than the tokens and the seed.
  virtual Result<SampledToken> Replay(Token token) = 0;
  // The log-probability of a token of the prompt, from the logits behind the one before it, and of
  // the `num_top` likeliest. Null = nothing is before it: NaN. Changes nothing. kNumeric as
  // Sample().
  virtual Result<ChosenLogprob> Score(const float* logits, Token token,
                                      std::int32_t num_top) const = 0;
  // At most `max_tokens` tokens that the grammar or the limit of a thought forces, remembered as if
  // they had been sampled. They never end the generation.
  virtual std::vector<SampledToken> Forced(std::size_t max_tokens) {
    static_cast<void>(max_tokens);
    return {};
  }
};

// Thread-safe.
class SamplerFactory {
 public:
  virtual ~SamplerFactory() = default;
  virtual Result<std::unique_ptr<TokenSampler>> Create(const Request& request,
                                                       const PreparedPrompt& prompt) = 0;
};

}  // namespace sentiric
