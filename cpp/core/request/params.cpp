// SPDX-License-Identifier: AGPL-3.0-only
// Validation of what a client may ask for; the ranges stand beside the fields in types.h.
#include <cmath>
#include <cstdio>

#include "sentiric/types.h"

namespace sentiric {
namespace {

std::string Text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", value);
  return buffer;
}

// Checks fields one after another and keeps the first that is out of range.
class RangeCheck {
 public:
  // In single precision, as the fields are: 0.01 must pass a range that begins there.
  RangeCheck& In(const char* name, double value, double low, double high) {
    const auto number = static_cast<float>(value);
    const bool is_inside =  // false for NaN
        number >= static_cast<float>(low) && number <= static_cast<float>(high);
    if (!status_ && !is_inside) {
      status_ = OutOfRange(name, Text(value), Text(low) + ".." + Text(high));
    }
    return *this;
  }
  Status Take() { return std::move(status_); }

 private:
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
  check.In("dry_sequence_breakers", static_cast<double>(params.dry_sequence_breakers.size()), 0,
           16);
  for (const std::string& breaker : params.dry_sequence_breakers) {
    check.In("dry_sequence_breakers bytes", static_cast<double>(breaker.size()), 1, 64);
  }
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
  check.In("max_tokens", request.max_tokens, 0, 1 << 30)
      .In("stop", static_cast<double>(request.stop.size()), 0, 8);
  for (const std::string& stop : request.stop) {
    check.In("stop bytes", static_cast<double>(stop.size()), 1, 256);
  }
  check.In("tenant bytes", static_cast<double>(request.tenant.size()), 0, 256)
      .In("cache_scope bytes", static_cast<double>(request.cache_scope.size()), 0, 256)
      .In("queue_wait_ms", request.queue_wait_ms, 0, 86400000);
  check.In("lora_adapter count", static_cast<double>(request.adapters.size()), 0, 8);
  for (const AdapterUse& use : request.adapters) {
    check.In("lora_adapter bytes", static_cast<double>(use.name.size()), 1, 128)
        .In("lora_adapter scale", use.scale, -10, 10);
  }
  if (Status status = check.Take()) return status;
  const int sources = !request.prompt.messages.empty() + !request.prompt.text.empty() +
                      !request.prompt.tokens.empty();
  if (sources != 1) {
    return Error{ErrorCode::kInvalidArgument, "prompt",
                 "exactly one of messages, text and tokens must be given and not empty; got " +
                     std::to_string(sources)};
  }
  return Validate(request.sampling, num_vocab);
}

}  // namespace sentiric
