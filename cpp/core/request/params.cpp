// SPDX-License-Identifier: AGPL-3.0-only
// Validates requests. The comments of the fields in types.h give the same ranges.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <type_traits>

#include "sentiric/types.h"

namespace sentiric {
namespace {

std::string Text(float value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", static_cast<double>(value));
  return buffer;
}

std::string Text(std::int64_t value) { return std::to_string(value); }

// Keeps the first field that is out of range.
class RangeCheck {
 public:
  // Compares floats in single precision, like the fields: 0.01F must pass a range that begins at
  // 0.01.
  template <typename T>
  RangeCheck& In(const char* name, T value, double low, double high) {
    if constexpr (std::is_integral_v<T>) {
      return Check<std::int64_t>(name, value, low, high);
    } else {
      return Check<float>(name, value, low, high);
    }
  }
  Status Take() { return std::move(status_); }

 private:
  template <typename Number, typename T>
  RangeCheck& Check(const char* name, T value, double low, double high) {
    const auto number = static_cast<Number>(value), least = static_cast<Number>(low),
               most = static_cast<Number>(high);
    const bool is_inside = number >= least && number <= most;  // false for NaN
    if (!status_ && !is_inside) {
      status_ = OutOfRange(name, Text(number), Text(least) + ".." + Text(most));
    }
    return *this;
  }

  Status status_;
};

Status ValidateLists(const SamplingParams& params, std::int32_t num_vocab) {
  if (params.logit_bias.size() > 300) {
    return OutOfRange("logit_bias", std::to_string(params.logit_bias.size()) + " entries",
                      "0..300");
  }
  RangeCheck check;
  for (const auto& [token, bias] : params.logit_bias) {
    check.In("logit_bias token", token, 0, num_vocab - 1).In("logit_bias", bias, -1000, 100);
  }
  check.In("dry_sequence_breakers", params.dry_sequence_breakers.size(), 0, 16);
  for (const std::string& breaker : params.dry_sequence_breakers) {
    check.In("dry_sequence_breakers bytes", breaker.size(), 1, 64);
  }
  check.In("allowed_tokens", params.allowed_tokens.size(), 0, 1024);
  for (const Token token : params.allowed_tokens)
    check.In("allowed_tokens token", token, 0, num_vocab - 1);
  return check.Take();
}

Status ValidateTokens(const Request& request, std::int32_t num_vocab) {
  RangeCheck check;
  check.In("min_tokens", request.min_tokens, 0, request.max_tokens)
      .In("repetition_limit", request.repetition_limit, 0, INT32_MAX)
      .In("stop_tokens", request.stop_tokens.size(), 0, 64)
      .In("bad_words", request.bad_words.size(), 0, 64)
      .In("prediction", request.prediction.size(), 0, 32768)
      .In("shown_tokens", request.shown_tokens.size(), 0, 32);
  if (Status status = check.Take()) return status;
  for (const Token token : request.stop_tokens)
    check.In("stop_tokens token", token, 0, num_vocab - 1);
  for (const std::vector<Token>& word : request.bad_words) {
    check.In("bad_words tokens", word.size(), 1, 64);
    for (const Token token : word) check.In("bad_words token", token, 0, num_vocab - 1);
  }
  for (const Token token : request.prediction)
    check.In("prediction token", token, 0, num_vocab - 1);
  for (const std::string& text : request.shown_tokens)
    check.In("shown_tokens bytes", text.size(), 1, 256);
  return check.Take();
}

Status ValidateThinking(const std::optional<ThinkingLimit>& thinking) {
  if (!thinking) return std::nullopt;
  RangeCheck check;
  check.In("thinking.begin bytes", thinking->begin.size(), 0, 256)
      .In("thinking.end bytes", thinking->end.size(), 1, 256)
      .In("thinking.closing bytes", thinking->closing.size(), 1, 256)
      .In("thinking.max_tokens", thinking->max_tokens, 0, INT32_MAX);
  if (Status status = check.Take()) return status;
  const std::string& closing = thinking->closing;
  const bool begins =
      !thinking->begin.empty() && closing.find(thinking->begin) != std::string::npos;
  if (closing.find(thinking->end) != std::string::npos && !begins) return std::nullopt;
  return Error{ErrorCode::kInvalidArgument, "thinking.closing",
               "must contain the mark that ends a thought, and not the one that begins it"};
}

// An answer that had ended is not resumed, so at least one token is left.
Status ValidateDelivered(const Request& request, std::int32_t num_vocab) {
  if (request.delivered.empty()) return std::nullopt;
  RangeCheck check;
  check.In("delivered", request.delivered.size(), 0, std::max(0, request.max_tokens - 1));
  if (Status status = check.Take()) return status;
  for (const Token token : request.delivered) check.In("delivered token", token, 0, num_vocab - 1);
  return check.Take();
}

}  // namespace

Status Validate(const SamplingParams& p, std::int32_t num_vocab) {
  RangeCheck check;
  check.In("temperature", p.temperature, 0, 2)
      .In("top_k", p.top_k, 0, num_vocab)
      .In("top_p", p.top_p, 0, 1)
      .In("min_p", p.min_p, 0, 1)
      .In("typical_p", p.typical_p, 0, 1)
      .In("repeat_penalty", p.repeat_penalty, 0.01, 2)
      .In("presence_penalty", p.presence_penalty, -2, 2)
      .In("frequency_penalty", p.frequency_penalty, -2, 2)
      .In("repeat_last_n", p.repeat_last_n, 0, 4096)
      .In("dry_multiplier", p.dry_multiplier, 0, 100)
      .In("dry_base", p.dry_base, 1, 100)
      .In("dry_allowed_length", p.dry_allowed_length, 0, 4096)
      .In("dry_penalty_last_n", p.dry_penalty_last_n, 0, 32768)
      .In("xtc_probability", p.xtc_probability, 0, 1)
      .In("xtc_threshold", p.xtc_threshold, 0, 1)
      .In("dynatemp_range", p.dynatemp_range, 0, 2)
      .In("dynatemp_exponent", p.dynatemp_exponent, 0, 10)
      .In("mirostat", p.mirostat, 0, 2)
      .In("mirostat_tau", p.mirostat_tau, 0, 20)
      .In("mirostat_eta", p.mirostat_eta, 0, 1)
      .In("top_logprobs", p.top_logprobs, -1, 20);
  if (Status status = check.Take()) return status;
  return ValidateLists(p, num_vocab);
}

Status Validate(const Request& request, std::int32_t num_vocab) {
  RangeCheck check;
  check.In("max_tokens", request.max_tokens, 0, INT32_MAX)
      .In("prompt_logprobs", request.prompt_logprobs, -1, 20)
      .In("stop", request.stop.size(), 0, 8)
      .In("call_marks", request.call_marks.size(), 0, 8)
      .In("call_opening bytes", request.call_opening.size(), 0, 256);
  for (const std::string& stop : request.stop) {
    check.In("stop bytes", stop.size(), 1, 256);
  }
  for (const std::string& mark : request.call_marks)
    check.In("call_marks bytes", mark.size(), 1, 256);
  check.In("tenant bytes", request.tenant.size(), 0, 256)
      .In("cache_scope bytes", request.cache_scope.size(), 0, 256)
      .In("queue_wait_ms", request.queue_wait_ms, 0, 86400000);
  check.In("lora_adapter count", request.adapters.size(), 0, 8);
  for (const AdapterUse& use : request.adapters) {
    check.In("lora_adapter bytes", use.name.size(), 1, 128)
        .In("lora_adapter scale", use.scale, -10, 10);
  }
  if (Status status = check.Take()) return status;
  const int sources = !request.prompt.messages.empty() + !request.prompt.text.empty() +
                      !request.prompt.tokens.empty();
  if (sources != 1) {
    return Error{ErrorCode::kInvalidArgument, "prompt",
                 "exactly one of messages, text and tokens must not be empty; got " +
                     std::to_string(sources)};
  }
  const Prompt& prompt = request.prompt;
  if (prompt.messages.empty() &&
      (!prompt.tools.empty() || !prompt.template_arguments.empty() || prompt.continues)) {
    return Error{ErrorCode::kInvalidArgument,
                 !prompt.tools.empty()                ? "tools"
                 : !prompt.template_arguments.empty() ? "template_arguments"
                                                      : "continues",
                 "only a prompt of messages has this"};
  }
  if (Status status = ValidateTokens(request, num_vocab)) return status;
  if (Status status = ValidateThinking(request.thinking)) return status;
  if (Status status = ValidateDelivered(request, num_vocab)) return status;
  return Validate(request.sampling, num_vocab);
}

}  // namespace sentiric
