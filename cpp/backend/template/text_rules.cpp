// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/text_rules.h"

#include "backend/template/jinja_template.h"
#include "backend/template/render_budget.h"

namespace sentiric::backend {
namespace {

using jinja::value;

constexpr int kMaxIndent = 256;
constexpr std::size_t kMaxDateFormat = 256;
constexpr std::size_t kMaxRaised = std::size_t{64} << 10;

// Occurrences of a text in another, without overlap.
std::size_t Count(const std::string& text, const std::string& part) {
  if (part.empty()) return text.size() + 1;
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

// The text of an argument that may be anything printable.
std::string TextOf(const value& given) {
  const std::size_t bytes =
      IsText(given) ? FlatBytes(*given) : Measure(given, TextForm::kEscaped).bytes;
  RenderBudget::Current().Work(Signed(bytes));
  RenderBudget::Current().Reserve(0, 2 * bytes);
  return given->as_string().str();
}

}  // namespace

void AllowJson(const Arguments& arguments) {
  const value ascii = Argument(arguments, "ensure_ascii", 1);
  const value indent = Argument(arguments, "indent", 2);
  CheckInteger(indent, kMaxIndent, "an indent");
  const bool all_ascii = ascii != nullptr && ascii->as_bool();
  const Extent content = Measure(arguments[0], all_ascii ? TextForm::kAscii : TextForm::kEscaped);
  const value separators = Argument(arguments, "separators", 3);
  const std::size_t between = separators == nullptr ? 0 : Measure(separators).bytes;
  const std::size_t width = indent != nullptr && IsNumber(indent) && indent->val_int > 0
                                ? static_cast<std::size_t>(indent->val_int)
                                : 0;
  const std::size_t bytes =
      content.bytes + content.nodes * (between + 2 + width * (content.depth + 1));
  Ask(bytes + kNewValue, 5 * bytes, Signed(bytes * 10 + content.nodes * 500));
}

// Stripping removes parts of a text one by one and moves the rest each time.
void AllowStrip(const Arguments& arguments) {
  const value chars = Argument(arguments, "chars", 1);
  const std::size_t parts = arguments[0]->val_str.parts.size();
  const std::size_t set = chars == nullptr ? 1 : Measure(chars).bytes;
  RenderBudget::Current().Work(Signed(parts * parts * sizeof(jinja::string_part) / 8));
  RenderBudget::Current().Work(Signed(FlatBytes(*arguments[0]) * (1 + set / 16)));
  AllowString(arguments);
}

void AllowSplit(const Arguments& arguments) {
  if (!IsText(arguments[0])) return AllowFlat(arguments);
  const std::string delimiter = arguments.size() > 1 ? TextOf(arguments[1]) : " ";
  const std::string text = TextOf(arguments[0]);
  AllowFind(text.size(), delimiter.size());
  const std::size_t pieces = 1 + (delimiter.empty() ? 0 : Count(text, delimiter));
  if (pieces > JinjaLimits::kItems) RenderBudget::Current().Refuse("a list is too large");
  // Each piece is a value of its own; together they are no larger than the text.
  Ask(text.size(), pieces * kNewValue + 2 * text.size(), Signed(pieces) * kItem);
  RenderBudget::Current().memory()->Made(pieces * kNewValue);
}

void AllowReplace(const Arguments& arguments) {
  if (arguments.size() < 3 || !IsText(arguments[0])) return AllowText(arguments);
  const std::string text = TextOf(arguments[0]);
  const std::string from = TextOf(arguments[1]);
  AllowFind(text.size(), from.size());
  const std::size_t with = TextOf(arguments[2]).size();
  const std::size_t bytes = text.size() + Count(text, from) * with;
  Ask(bytes + kNewValue, 2 * bytes, Signed(bytes) * 4);
}

void AllowIndent(const Arguments& arguments) {
  const value width = Argument(arguments, "width", 1);
  CheckInteger(width, kMaxIndent, "an indent");
  if (!IsText(arguments[0])) return AllowFlat(arguments);
  const std::string text = TextOf(arguments[0]);
  const std::size_t each = width != nullptr && IsText(width) ? Measure(width).bytes : kMaxIndent;
  const std::size_t bytes = text.size() + (Count(text, "\n") + 1) * each;
  Ask(bytes + kNewValue, 3 * bytes, Signed(bytes) * 10);
}

void AllowJoin(const Arguments& arguments) {
  const Extent items = Measure(arguments[0]);
  const Extent rest = MeasureRest(arguments, 1);
  const std::size_t bytes = items.bytes + Items(arguments[0]) * rest.bytes;
  Ask(bytes + kNewValue, 3 * bytes, Signed(bytes * 2 + items.nodes * 500));
}

void AllowDate(const Arguments& arguments) {
  if (!arguments.empty() && FlatBytes(*arguments[0]) > kMaxDateFormat) {
    RenderBudget::Current().Refuse("a date format is too long");
  }
  AllowFlat(arguments);
}

void AllowRaise(const Arguments& arguments) {
  if (FlatBytes(*arguments[0]) > kMaxRaised) {
    RenderBudget::Current().Refuse("the text of an exception is too long");
  }
  AllowFlat(arguments);
}

}  // namespace sentiric::backend
