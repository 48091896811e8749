// SPDX-License-Identifier: AGPL-3.0-only
// Plain values that cross every layer: requests and their results.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sentiric/error.h"

namespace sentiric {

using Token = std::int32_t;
using SeqId = std::int32_t;
using Position = std::int32_t;
using RequestId = std::uint64_t;
using Clock = std::chrono::steady_clock;

inline constexpr std::uint64_t kRandomSeed = UINT64_MAX;

// How the next token is chosen. Validate() checks the ranges; the names are llama.cpp's.
struct SamplingParams {
  float temperature = 0.8f;                // 0..2, 0 = greedy
  std::int32_t top_k = 40;                 // >= 0, 0 = off
  float top_p = 0.95f;                     // 0..1, 1 = off
  float min_p = 0.05f;                     // 0..1, 0 = off
  float typical_p = 1.0f;                  // 0..1, 1 = off
  float repeat_penalty = 1.1f;             // 0.01..2, 1 = off
  float presence_penalty = 0.0f;           // -2..2
  float frequency_penalty = 0.0f;          // -2..2
  std::int32_t repeat_last_n = 64;         // 0..4096 newest tokens, 0 = off
  float dry_multiplier = 0.0f;             // 0..100, 0 = off
  float dry_base = 1.75f;                  // 1..100
  std::int32_t dry_allowed_length = 2;     // 0..4096
  std::int32_t dry_penalty_last_n = 1024;  // 0..32768
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};  // <= 16, 64 bytes each
  float xtc_probability = 0.0f;                                             // 0..1, 0 = off
  float xtc_threshold = 0.1f;                                               // 0..1
  float dynatemp_range = 0.0f;                                              // 0..2, 0 = off
  float dynatemp_exponent = 1.0f;                                           // 0..10
  std::int32_t mirostat = 0;         // 0 = off, 1, 2; replaces top_k, top_p and the like
  float mirostat_tau = 5.0f;         // 0..20
  float mirostat_eta = 0.1f;         // 0..1
  std::uint64_t seed = kRandomSeed;  // same seed, same text; kRandomSeed = a random one
  std::vector<std::pair<Token, float>> logit_bias;  // <= 300 of -1000..100; <= -100 bans
  std::vector<Token> allowed_tokens;  // <= 1024; only these and end tokens are chosen; none = all
  std::int32_t top_logprobs = -1;     // -1 = no logprobs, else 0..20 alternatives per token
};

// The error of the first field outside its range. `num_vocab` bounds the ids of tokens.
Status Validate(const SamplingParams& params, std::int32_t num_vocab);

// What the output must follow. `text` is GBNF, a JSON schema, an ECMA-262 regular expression, a
// JSON array of the texts to choose from or a structure (see docs/structured-output.md);
// kJsonObject has none.
struct GrammarSpec {
  enum class Kind { kNone, kGbnf, kJsonSchema, kJsonObject, kRegex, kChoice, kStructure };
  Kind kind = Kind::kNone;
  std::string text;
};

// A call of a tool that an assistant message holds.
struct ToolCall {
  std::string id;         // <= 256 bytes; what the result refers to
  std::string name;       // 1..256 bytes
  std::string arguments;  // JSON text of an object; any other text is passed on as text
};

// Texts are UTF-8 and never parsed for special tokens. Those of a conversation with its tools are
// bounded together: see CheckConversation in backend/prompt.
struct Message {
  std::string role;                       // "system" | "user" | "assistant" | "tool" | "developer"
  std::string content;                    // may be empty
  std::string reasoning = {};             // what the assistant thought before it answered
  std::vector<ToolCall> tool_calls = {};  // <= 128, of an assistant message
  std::string tool_call_id = {};          // <= 256 bytes; the call that a tool message answers
  std::string name = {};                  // <= 256 bytes; of that tool, or of who speaks
};

// A tool that the model may call.
struct Tool {
  std::string name;  // 1..256 bytes
  std::string description = {};
  std::string parameters = {};  // JSON schema as text; empty = none
};

enum class Truncation { kDropTurns, kShift, kError };

// Exactly one of messages, text and tokens is not empty.
struct Prompt {
  std::vector<Message> messages;  // rendered with the model's chat template
  std::vector<Tool> tools;        // <= 256, with messages only
  // JSON object of further variables for the template, with messages only; <= 64 KiB and 8 levels.
  // Empty = none.
  std::string template_arguments;
  // The last message is the assistant's and goes on: the prompt ends right behind its content.
  bool continues = false;
  std::string text;            // tokenised as is (BOS added when the model wants it)
  std::vector<Token> tokens;   // evaluated as they are
  bool parse_special = false;  // text only: trusted callers may write control tokens
};

// Which requests go first when there is not room for all. Waiting raises a request's class with
// time.
enum class Priority { kRealtime, kNormal, kBatch };

// A LoRA adapter, by the name of its file, and its weight.
struct AdapterUse {
  std::string name;    // 1..128 bytes
  float scale = 1.0f;  // -10..10
};

// Thoughts are what stands between two marks of the model's template. When they have `max_tokens`
// tokens in all and one is open, `closing` is written behind it, at the end of a character, with
// its control tokens; then the answer goes on. The tokens of the marks and of `closing` do not
// count; of a mark of several tokens the last one does not.
struct ThinkingLimit {
  std::string begin;                    // <= 256 bytes; empty = no further thought begins
  std::string end;                      // 1..256 bytes
  std::string closing;                  // <= 256 bytes; contains `end` and not `begin`
  std::int32_t max_tokens = INT32_MAX;  // >= 0
  bool is_open = false;                 // the answer begins inside a thought
};

struct Request {
  Prompt prompt;
  SamplingParams sampling;
  GrammarSpec grammar;
  // <= 8 of 1..256 bytes; removed from the text. They count in what the answer says: not in a
  // thought that it begins with (`thinking`), and not in calls of tools.
  std::vector<std::string> stop;
  std::vector<std::string> call_marks;  // <= 8 of 1..256 bytes that begin a call, anywhere
  std::string call_opening;             // <= 256 bytes that begin one where the answer begins
  // >= 0. 0 evaluates the prompt only, for later requests; of messages, only the beginning that
  // they have in common with those that they may grow into (GrowingPart in backend/prompt), unless
  // its log-probabilities are asked for.
  std::int32_t max_tokens = 1024;
  std::int32_t min_tokens = 0;  // 0..max_tokens; before that neither end nor stop tokens
  // -1 = none, else 0..20: log-probabilities of the prompt's tokens, and so many alternatives each.
  // None of the prompt is taken from the prefix cache then.
  std::int32_t prompt_logprobs = -1;
  bool ignore_eos = false;
  std::vector<Token> stop_tokens;             // <= 64; each ends the answer and is no text of it
  std::vector<std::vector<Token>> bad_words;  // <= 64 of 1..64 tokens that never follow each other
  // <= 32768; what the answer is expected to be or to contain: drafts are taken from it. What it
  // really is does not depend on it.
  std::vector<Token> prediction;
  // Control tokens whose texts are text in this answer, <= 32 of 1..256 bytes. What is no control
  // token of the model is ignored; an end token still ends the answer.
  std::vector<std::string> shown_tokens;
  std::optional<ThinkingLimit> thinking;
  // The answer ends when its newest tokens are one block of up to 64 tokens, at least four times,
  // and at least so many tokens; >= 0, 0 = off.
  std::int32_t repetition_limit = 0;
  Truncation truncation = Truncation::kDropTurns;
  bool shift = true;                  // drop old tokens when the context is full, and go on
  std::int32_t deadline_ms = 600000;  // from submit to the last token; <= 0 = no limit
  std::int32_t queue_wait_ms = 0;     // longest wait for a context; 0 = the engine's setting
  Priority priority = Priority::kNormal;
  std::string tenant;                // <= 256 bytes; tenants share the contexts fairly
  std::string cache_scope;           // <= 256 bytes; only requests of one scope share prefixes
  std::vector<AdapterUse> adapters;  // <= 8
  // Tokens of the answer that an earlier run of this same request has sent: the answer goes on
  // behind them. Fewer than max_tokens, which counts them; none = a new request.
  std::vector<Token> delivered;
  bool resumed = false;  // an earlier run was admitted, so the queue does not refuse it
  RequestId tag = 0;     // the caller's own number for it; the engine only keeps it
};

// Of one prompt: its tokens times (prompt_logprobs + 1).
inline constexpr std::int64_t kMaxPromptLogprobs = 1 << 18;

// The error of the first field that is out of range, and of a prompt that has not one source.
Status Validate(const Request& request, std::int32_t num_vocab);

enum class FinishReason { kNone, kStop, kLength, kCancelled, kError, kRepetition };

struct TokenLogprob {
  Token token = 0;
  std::string piece;  // raw bytes, perhaps part of a character
  float logprob = 0;  // natural log, before truncation and temperature
};

// Of a token of the answer, or of the prompt. NaN is the one of the prompt's first token, which
// follows nothing.
struct ChosenLogprob {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;  // most likely first
};

// llama.cpp's names: _ms is milliseconds, _n tokens. Of a resumed request those of this run alone:
// delivered tokens are not predicted again, and recomputing them is time before the first token.
struct Timings {
  std::int32_t cache_n = 0;
  std::int32_t prompt_n = 0;
  double prompt_ms = 0;
  std::int32_t predicted_n = 0;
  double predicted_ms = 0;
  double queue_ms = 0;                             // submit to first scheduled step
  double ttft_ms = 0;                              // submit to first token
  std::int32_t draft_n = 0, draft_n_accepted = 0;  // tokens drafted; accepted
};

// What was left out: turns and tokens of the prompt that did not fit, tokens that were shifted out.
struct TruncationReport {
  std::int32_t dropped_turns = 0;
  std::int32_t dropped_tokens = 0;  // before prefill, from the prompt
  std::int32_t shifted_tokens = 0;  // during generation, so far
};

struct Final {
  FinishReason finish_reason = FinishReason::kNone;
  std::optional<std::string> stop_string;  // the one that ended it
  std::optional<Token> stop_token;         // the one of the request's that ended it
  // The text stops where its grammar does not allow an end.
  bool unfinished = false;
  std::optional<Error> error;          // always with kError, sometimes with kCancelled
  std::int32_t prompt_tokens = 0;      // of the prompt after truncation; 0 when it never ran
  std::int32_t completion_tokens = 0;  // delivered ones included
  std::int32_t thought_tokens = 0;     // of these inside thoughts; see ThinkingLimit
  bool thinking_ended = false;         // the limit has closed a thought
  // Drafted tokens of the request's prediction that this run took, and those that it did not.
  std::int32_t prediction_accepted = 0, prediction_rejected = 0;
  Timings timings;
};

// What one step adds to one request. The last event carries `final`.
struct Event {
  RequestId request = 0;
  std::string text;                     // complete UTF-8 characters; may be empty
  std::vector<Token> tokens;            // sampled since the last event
  std::vector<ChosenLogprob> logprobs;  // one per token when requested
  // When requested, one per token of the prompt, in several events before the first token. They use
  // credit like tokens.
  std::vector<ChosenLogprob> prompt_logprobs = {};
  TruncationReport truncation;
  bool is_first = false;  // contains the first tokens of its request, which was not resumed
  // With the first tokens of this run: tokens of the prompt, and how many of them were cached.
  std::int32_t prompt_tokens = 0, cached_tokens = 0;
  std::optional<Final> final;
};

}  // namespace sentiric
