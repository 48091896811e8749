// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/json_scan.h"

namespace sentiric {
namespace {

constexpr std::size_t kEscapeBytes = 6;  // \uXXXX

// The UTF-16 unit of the escape \uXXXX at `at`; -1 when there is none.
std::int32_t EscapedUnit(std::string_view text, std::size_t at) {
  if (at > text.size() || text.size() - at < kEscapeBytes) return -1;
  if (text[at] != '\\' || text[at + 1] != 'u') return -1;
  std::int32_t unit = 0;
  for (const char digit : text.substr(at + 2, 4)) {
    unit *= 16;
    if (digit >= '0' && digit <= '9') {
      unit += digit - '0';
    } else if (digit >= 'a' && digit <= 'f') {
      unit += digit - 'a' + 10;
    } else if (digit >= 'A' && digit <= 'F') {
      unit += digit - 'A' + 10;
    } else {
      return -1;
    }
  }
  return unit;
}

bool EndsScalar(char byte) {
  switch (byte) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '"':
    case '[':
    case ']':
    case '{':
    case '}':
    case ',':
    case ':': return true;
    default: return false;
  }
}

bool IsHighSurrogate(std::int32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLowSurrogate(std::int32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

class Scanner {
 public:
  Scanner(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  JsonScan Run() {
    while (at_ < text_.size() && scan_.passed == JsonLimit::kNone && !is_complete_) Step();
    scan_.at = at_;
    return scan_;
  }

 private:
  void Step() {
    switch (text_[at_]) {
      case ' ':
      case '\t':
      case '\r':
      case '\n':
      case ':': ++at_; return;
      case ',':
        expects_name_ = depth_ == 1 && root_is_object_;
        ++at_;
        return;
      case '{':
      case '[': Open(); return;
      case '}':
      case ']': Close(); return;
      case '"': String(); return;
      default: Scalar(); return;
    }
  }

  // False when the item at `at_` is one too many.
  bool Count() {
    if (++scan_.items <= limits_.items) return true;
    scan_.passed = JsonLimit::kItems;
    return false;
  }

  void Open() {
    if (!Count()) return;
    if (depth_ == limits_.depth) {
      scan_.passed = JsonLimit::kDepth;
      return;
    }
    if (depth_ == 0) root_is_object_ = expects_name_ = text_[at_] == '{';
    ++depth_;
    ++at_;
  }

  void Close() {
    ++at_;
    if (depth_ > 0) --depth_;
    is_complete_ = depth_ == 0;
  }

  void String() {
    if (!Count()) return;
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        Escape();
      } else {
        ++at_;
      }
    }
    if (at_ > text_.size()) at_ = text_.size();
    if (expects_name_) scan_.field = text_.substr(begin, at_ - begin);
    expects_name_ = false;
    if (at_ < text_.size()) ++at_;
    is_complete_ = depth_ == 0;
  }

  // Like every parser, takes two halves in a row as one character.
  void Escape() {
    const std::int32_t unit = EscapedUnit(text_, at_);
    if (IsHighSurrogate(unit) && IsLowSurrogate(EscapedUnit(text_, at_ + kEscapeBytes))) {
      at_ += 2 * kEscapeBytes;
      return;
    }
    if (IsHighSurrogate(unit) || IsLowSurrogate(unit)) scan_.has_lone_surrogate = true;
    at_ += 2;
  }

  // A number, a word, or invalid bytes that a parser refuses.
  void Scalar() {
    if (!Count()) return;
    std::size_t end = at_ + 1;
    while (end < text_.size() && !EndsScalar(text_[end])) ++end;
    const std::string_view token = text_.substr(at_, end - at_);
    if (token[0] == '-' || (token[0] >= '0' && token[0] <= '9')) {
      if (static_cast<std::int64_t>(token.size()) > limits_.number_bytes) {
        scan_.passed = JsonLimit::kNumber;
        return;
      }
      if (token.find_first_of("eE") != std::string_view::npos) scan_.has_exponent = true;
    }
    at_ = end;
    is_complete_ = depth_ == 0;
  }

  const std::string_view text_;
  const JsonLimits limits_;
  JsonScan scan_;
  std::size_t at_ = 0;
  std::int32_t depth_ = 0;
  bool root_is_object_ = false;
  bool expects_name_ = false;  // the next string is the name of an outermost member
  bool is_complete_ = false;   // the first value has ended; a parser builds nothing after it
};

}  // namespace

JsonScan ScanJson(std::string_view text, const JsonLimits& limits) {
  return Scanner(text, limits).Run();
}

}  // namespace sentiric
