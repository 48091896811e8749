// SPDX-License-Identifier: AGPL-3.0-only
#include "sentiric/error.h"

namespace sentiric {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kContextLengthExceeded: return "context_length_exceeded";
    case ErrorCode::kInvalidGrammar: return "invalid_grammar";
    case ErrorCode::kGrammarTooComplex: return "grammar_too_complex";
    case ErrorCode::kModelNotFound: return "model_not_found";
    case ErrorCode::kModelInvalid: return "model_invalid";
    case ErrorCode::kTemplateFailed: return "template_failed";
    case ErrorCode::kNotSupported: return "not_supported";
    case ErrorCode::kOverloaded: return "overloaded";
    case ErrorCode::kDeadlineExceeded: return "deadline_exceeded";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kNumeric: return "numeric";
    case ErrorCode::kOutOfMemory: return "out_of_memory";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kPermissionDenied: return "permission_denied";
    case ErrorCode::kRateLimitExceeded: return "rate_limit_exceeded";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

Error OutOfRange(std::string where, std::string got, std::string allowed) {
  return {ErrorCode::kInvalidArgument, std::move(where),
          "out of range; got " + got + ", allowed " + allowed};
}

}  // namespace sentiric
