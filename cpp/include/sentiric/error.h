// SPDX-License-Identifier: AGPL-3.0-only
// The one error taxonomy of the product. A table in python/sentiric_llama/errors.py derives Python
// exceptions, HTTP statuses, gRPC codes and exit codes from ErrorCode; tests check that it is
// complete.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sentiric {

enum class ErrorCode {
  kInvalidArgument,        // a field is missing, malformed or out of range
  kContextLengthExceeded,  // the prompt does not fit, even after what its policy may drop
  kInvalidGrammar,         // GBNF or JSON schema that cannot be compiled, or is over a limit
  kGrammarTooComplex,      // a compiled grammar exceeded its step budget
  kModelNotFound,          // no such model or adapter
  kModelInvalid,           // the file is not a loadable model
  kTemplateFailed,         // the model's chat template cannot render this conversation
  kNotSupported,           // the model or build cannot do this
  kOverloaded,             // no room in the queue or for adapters; try again later
  kDeadlineExceeded,       // the time in the queue, for reading or in total ran out
  kCancelled,              // by the caller, or because the engine was closed
  kNumeric,                // the model produced NaN or infinite logits
  kOutOfMemory,            // buffers could not be allocated
  kUnavailable,            // not loaded yet, draining or closed
  kPermissionDenied,       // the caller's key lacks the right; never raised by the engine
  kRateLimitExceeded,      // the caller's key is over its limit; never raised by the engine
  kInternal,               // a bug in this engine or the backend
};

inline constexpr ErrorCode kLastErrorCode = ErrorCode::kInternal;

// snake_case name, stable on the wire: "invalid_argument", "overloaded", ...
std::string_view ErrorCodeName(ErrorCode code);

// `where` is the field or component ("temperature", "grammar:3:14", "model"). `what` says what is
// wrong and, for values, what was got and what is allowed. Never contains prompt text.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string where;
  std::string what;
  std::int32_t retry_ms = 0;  // kOverloaded: when to expect room; 0 = unknown

  // "[where] what"
  std::string Message() const { return where.empty() ? what : "[" + where + "] " + what; }
};

// kInvalidArgument "out of range; got G, allowed A".
Error OutOfRange(std::string where, std::string got, std::string allowed);

// Either a value or an Error. Expected failures are values; exceptions exist only at the Python
// binding.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit by intent, as std::optional
  Result(Error error) : state_(std::move(error)) {}  // NOLINT

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  T& value() & { return std::get<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

// An operation without a value: nullopt is success.
using Status = std::optional<Error>;

}  // namespace sentiric
