// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "backend/template/spelled_number.h"

namespace sentiric::backend {
namespace {

using jinja::value;

struct JsonStyle {
  int indent = -1;  // < 0: one line
  bool all_ascii = false;
  std::string between_items = ", ";
  std::string behind_key = ": ";
};

void AppendUnit(std::uint32_t unit, std::string* out) {
  std::array<char, 8> escape{};
  std::snprintf(escape.data(), escape.size(), "\\u%04x", unit);
  *out += escape.data();
}

// Escapes the well-formed character at `at`; returns its bytes.
std::size_t AppendEscaped(std::string_view text, std::size_t at, std::string* out) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (size == 1 || at + size > text.size()) return *out += text[at], 1;
  std::uint32_t code_point = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    code_point = code_point << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  }
  if (code_point < 0x10000) return AppendUnit(code_point, out), size;
  AppendUnit(0xD800 + ((code_point - 0x10000) >> 10), out);
  AppendUnit(0xDC00 + ((code_point - 0x10000) & 0x3FF), out);
  return size;
}

// The shortest spelling that reads as the same number, with a point or an exponent, as in Python.
std::string SpellingOf(double number) {
  if (!std::isfinite(number))
    return std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
  std::array<char, 64> buffer{};
  const bool is_plain = number == 0 || (std::fabs(number) >= 1e-4 && std::fabs(number) < 1e16);
  const auto format = is_plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format).ptr;
  std::string text(buffer.data(), end);
  if (is_plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

class JsonWriter {
 public:
  explicit JsonWriter(JsonStyle style) : style_(std::move(style)) {}

  // The depth of values is bounded by JinjaLimits::kDepth: measuring refuses deeper ones.
  void Write(const jinja::value_t& given, int level) {
    switch (KindOf(given)) {
      case ValueKind::kString:
        AppendJsonString(given.val_str.str(), style_.all_ascii, &text_);
        break;
      case ValueKind::kList: WriteList(given, level); break;
      case ValueKind::kMapping: WriteMapping(given, level); break;
      case ValueKind::kNumber: text_ += NumberText(given); break;
      default: WriteWord(given); break;
    }
  }

  std::string Take() { return std::move(text_); }

 private:
  void Break(int level) {
    if (style_.indent < 0) return;
    text_ += '\n';
    text_.append(static_cast<std::size_t>(style_.indent) * static_cast<std::size_t>(level), ' ');
  }

  void WriteList(const jinja::value_t& list, int level) {
    text_ += '[';
    const char* before = "";
    for (const value& item : list.val_arr) {
      text_ += before;
      Break(level + 1);
      Write(*item, level + 1);
      before = style_.between_items.c_str();
    }
    if (!list.val_arr.empty()) Break(level);
    text_ += ']';
  }

  void WriteMapping(const jinja::value_t& mapping, int level) {
    text_ += '{';
    const char* before = "";
    for (const auto& [key, item] : mapping.val_obj) {
      text_ += before;
      Break(level + 1);
      AppendJsonString(key->as_string().str(), style_.all_ascii, &text_);
      text_ += style_.behind_key;
      Write(*item, level + 1);
      before = style_.between_items.c_str();
    }
    if (!mapping.val_obj.empty()) Break(level);
    text_ += '}';
  }

  void WriteWord(const jinja::value_t& given) {
    const bool is_bool = dynamic_cast<const jinja::value_bool_t*>(&given) != nullptr;
    text_ += !is_bool ? "null" : given.as_bool() ? "true" : "false";
  }

  const JsonStyle style_;
  std::string text_;
};

}  // namespace

std::string NumberText(const jinja::value_t& number) {
  if (const auto* spelled = dynamic_cast<const SpelledNumber*>(&number)) return spelled->spelling();
  if (dynamic_cast<const jinja::value_float_t*>(&number) != nullptr) {
    return SpellingOf(number.as_float());
  }
  return std::to_string(number.as_int());
}

void AppendJsonString(std::string_view text, bool all_ascii, std::string* out) {
  *out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t named = std::string_view("\"\\\b\f\n\r\t").find(c);
    if (named != std::string_view::npos) {
      *out += '\\';
      *out += "\"\\bfnrt"[named];
      ++at;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      AppendUnit(static_cast<unsigned char>(c), out);
      ++at;
    } else if (all_ascii && static_cast<unsigned char>(c) >= 0x80) {
      at += AppendEscaped(text, at, out);
    } else {
      *out += c;
      ++at;
    }
  }
  *out += '"';
}

value ToJson(const Arguments& arguments) {
  const auto is_set = [](const value& given) { return given != nullptr && given->as_bool(); };
  const value sorted = Argument(arguments, "sort_keys", 4);
  if (is_set(sorted)) return nullptr;
  JsonStyle style;
  style.all_ascii = is_set(Argument(arguments, "ensure_ascii", 1));
  const value indent = Argument(arguments, "indent", 2);
  if (indent != nullptr && IsNumber(indent)) style.indent = static_cast<int>(indent->val_int);
  if (style.indent >= 0) style.between_items = ",";
  const value separators = Argument(arguments, "separators", 3);
  if (separators != nullptr && IsList(separators)) {
    const auto& given = separators->val_arr;
    if (!given.empty()) style.between_items = given[0]->as_string().str();
    if (given.size() > 1) style.behind_key = given[1]->as_string().str();
  }
  JsonWriter writer(std::move(style));
  writer.Write(*arguments[0], 0);
  return jinja::mk_val<jinja::value_string>(writer.Take());
}

}  // namespace sentiric::backend
