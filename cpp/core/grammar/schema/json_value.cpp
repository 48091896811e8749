// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/json_value.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_set>

#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

class JsonParser {
 public:
  JsonParser(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  Result<JsonValue> Run() {
    if (text_.size() > limits_.text_bytes) {
      return Failure("too long; got " + std::to_string(text_.size()) + " bytes, allowed " +
                     std::to_string(limits_.text_bytes));
    }
    if (text_.substr(0, 3) == "\xEF\xBB\xBF")
      return Failure("begins with a byte order mark (U+FEFF), which is not JSON; leave it out");
    JsonValue value;
    if (!ParseValue(&value, 0)) return std::move(*error_);
    SkipSpace();
    if (pos_ != text_.size()) return Failure("text behind the end of the JSON value");
    return value;
  }

 private:
  // "LINE:COLUMN" of the character in hand, both from 1.
  std::string Place() const {
    const std::string_view before = text_.substr(0, pos_);
    const std::size_t line = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto starts_character = [](char c) { return (c & 0xC0) != 0x80; };
    return std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ":" +
           std::to_string(1 + std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line),
                                            before.end(), starts_character));
  }

  Error Failure(const std::string& what) const {
    return Error{ErrorCode::kInvalidGrammar, "json_schema:" + Place(), what};
  }
  bool Fail(const std::string& what) {
    if (!error_) error_ = Failure(what);
    return false;
  }

  void SkipSpace() {
    while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\t' ||
                                   text_[pos_] == '\n' || text_[pos_] == '\r'))
      ++pos_;
  }
  bool Take(char c) {
    if (pos_ >= text_.size() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (text_.substr(pos_, word.size()) != word) return false;
    pos_ += word.size();
    return true;
  }

  bool ParseValue(JsonValue* out, std::uint32_t depth) {
    if (depth > limits_.depth)
      return Fail("nested too deeply; allowed " + std::to_string(limits_.depth) + " levels");
    SkipSpace();
    if (pos_ >= text_.size()) return Fail("not JSON: the text ends where a value is expected");
    switch (text_[pos_]) {
      case '{': return ParseObject(out, depth);
      case '[': return ParseArray(out, depth);
      case '"': out->kind = JsonValue::Kind::kString; return ParseString(&out->text);
      default: return ParseScalar(out);
    }
  }

  bool ParseScalar(JsonValue* out) {
    if (TakeWord("null")) return true;
    if (TakeWord("true")) return out->kind = JsonValue::Kind::kTrue, true;
    if (TakeWord("false")) return out->kind = JsonValue::Kind::kFalse, true;
    out->kind = JsonValue::Kind::kNumber;
    return ParseNumber(&out->text);
  }

  bool TakeDigits() {
    const std::size_t first = pos_;
    while (pos_ < text_.size() && IsDigit(text_[pos_])) ++pos_;
    return pos_ > first;
  }

  bool ParseNumber(std::string* out) {
    const std::size_t first = pos_;
    Take('-');
    if (!Take('0') && !TakeDigits()) return Fail("not JSON: a value is expected here");
    if (Take('.') && !TakeDigits())
      return Fail("not JSON: a number without digits after its point");
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      if (!TakeDigits()) return Fail("not JSON: a number without digits in its exponent");
    }
    *out = std::string(text_.substr(first, pos_ - first));
    return true;
  }

  bool ParseString(std::string* out) {
    ++pos_;
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == '"') return ++pos_, true;
      if (c == '\\') {
        if (!ParseEscape(out)) return false;
        continue;
      }
      CodePoint code_point = 0;
      const int size = DecodeUtf8(text_, pos_, &code_point);
      if (size == 0 || code_point < 0x20)
        return Fail("not JSON: a control character or malformed UTF-8 in a string");
      out->append(text_.substr(pos_, static_cast<std::size_t>(size)));
      pos_ += static_cast<std::size_t>(size);
    }
    return Fail("not JSON: a string without an end");
  }

  bool ParseEscape(std::string* out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kChars = "\"\\/\b\f\n\r\t";
    ++pos_;
    if (pos_ >= text_.size()) return Fail("not JSON: a string without an end");
    const std::size_t simple = kNames.find(text_[pos_]);
    if (simple != std::string_view::npos) {
      out->push_back(kChars[simple]);
      return ++pos_, true;
    }
    if (!Take('u')) return Fail("not JSON: an unknown escape in a string");
    std::optional<CodePoint> c = ParseHex();
    if (!c) return Fail("not JSON: \\u without four hexadecimal digits");
    if (IsHighSurrogate(*c)) {
      const std::optional<CodePoint> low = TakeWord("\\u") ? ParseHex() : std::nullopt;
      if (!low || !IsLowSurrogate(*low)) return Fail("half of a surrogate pair in a string");
      c = 0x10000 + ((*c - 0xD800) << 10) + (*low - 0xDC00);
    } else if (IsLowSurrogate(*c)) {
      return Fail("half of a surrogate pair in a string");
    }
    AppendUtf8(*c, out);
    return true;
  }

  std::optional<CodePoint> ParseHex() {
    CodePoint value = 0;
    for (int i = 0; i < 4; ++i, ++pos_) {
      const int digit = pos_ < text_.size() ? HexValue(text_[pos_]) : -1;
      if (digit < 0) return std::nullopt;
      value = value * 16 + static_cast<CodePoint>(digit);
    }
    return value;
  }

  bool ParseArray(JsonValue* out, std::uint32_t depth) {
    out->kind = JsonValue::Kind::kArray;
    ++pos_;
    SkipSpace();
    if (Take(']')) return true;
    do {
      out->items.emplace_back();
      if (!ParseValue(&out->items.back(), depth + 1)) return false;
      SkipSpace();
    } while (Take(','));
    return Take(']') || Fail("not JSON: `,` or `]` is expected here");
  }

  bool ParseObject(JsonValue* out, std::uint32_t depth) {
    out->kind = JsonValue::Kind::kObject;
    ++pos_;
    SkipSpace();
    if (Take('}')) return true;
    std::unordered_set<std::string> names;
    do {
      SkipSpace();
      if (pos_ >= text_.size() || text_[pos_] != '"')
        return Fail("not JSON: the name of a member is expected here");
      JsonValue::Member& member = out->members.emplace_back();
      if (!ParseString(&member.first)) return false;
      if (!names.insert(member.first).second) return Fail("a name appears twice in an object");
      SkipSpace();
      if (!Take(':')) return Fail("not JSON: `:` is expected here");
      if (!ParseValue(&member.second, depth + 1)) return false;
      SkipSpace();
    } while (Take(','));
    return Take('}') || Fail("not JSON: `,` or `}` is expected here");
  }

  const std::string_view text_;
  const JsonLimits limits_;
  std::size_t pos_ = 0;
  std::optional<Error> error_;
};

}  // namespace

const JsonValue* JsonValue::Find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

std::string Quoted(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      quoted += c;
    } else {
      quoted += "\\u00";
      quoted += kDigits[byte >> 4];
      quoted += kDigits[byte & 15];
    }
  }
  return quoted + "\"";
}

std::string_view KindName(JsonValue::Kind kind) {
  switch (kind) {
    case JsonValue::Kind::kNull: return "null";
    case JsonValue::Kind::kFalse: return "false";
    case JsonValue::Kind::kTrue: return "true";
    case JsonValue::Kind::kNumber: return "a number";
    case JsonValue::Kind::kString: return "a string";
    case JsonValue::Kind::kArray: return "an array";
    case JsonValue::Kind::kObject: return "an object";
  }
  return "";
}

Result<JsonValue> ParseJson(std::string_view text, const JsonLimits& limits) {
  return JsonParser(text, limits).Run();
}

}  // namespace sentiric::grammar
