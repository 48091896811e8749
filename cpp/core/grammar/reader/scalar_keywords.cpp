// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/reader/scalar_keywords.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/grammar/regular/format/format_texts.h"
#include "core/grammar/regular/pattern/compile_pattern.h"

namespace sentiric::grammar {
namespace {

// `texts` of the schema so far, and of one more keyword; `work` is its own in edges.
Status Add(Result<TextSet> added, std::size_t work, const JsonValue& schema,
           std::string_view keyword, const SchemaContext& context, TextSet* texts) {
  if (!added) return Placed(added.error(), *context.document, &schema, keyword);
  Result<TextSet> both = Intersection(*texts, *added);
  if (!both) return Placed(both.error(), *context.document, &schema, keyword);
  work += both->texts.num_edges();
  if (Status error = context.expressions->Spend(WorkBudget::kEdge * work))
    return Placed(*std::move(error), *context.document, &schema, keyword);
  *texts = *std::move(both);
  return std::nullopt;
}

Status AddFormat(const JsonValue& schema, const SchemaContext& context, TextSet* texts) {
  const JsonValue* format = schema.Find("format");
  if (format == nullptr) return std::nullopt;
  Result<std::optional<TextSet>> known = FormatTexts(format->text);
  if (!known) return Placed(known.error(), *context.document, &schema, "format");
  if (!known->has_value()) return std::nullopt;  // a format that nobody defined is an annotation
  return Add(**known, (*known)->texts.num_edges(), schema, "format", context, texts);
}

// The bound of a keyword. In draft-04 and OpenAPI 3.0 `exclusive…` is a boolean beside `…imum`.
struct Bound {
  Decimal value;
  bool exclusive = false;
};

Result<std::vector<Bound>> BoundsOf(const JsonValue& schema, const std::string& inclusive,
                                    const std::string& exclusive, const SchemaContext& context) {
  std::vector<Bound> bounds;
  const JsonValue* strict = schema.Find(exclusive);
  for (const std::string& keyword : {inclusive, exclusive}) {
    const JsonValue* value = schema.Find(keyword);
    if (value == nullptr || value->IsBool()) continue;
    Result<Decimal> number = Decimal::Parse(value->text);
    if (!number) return Placed(number.error(), *context.document, &schema, keyword);
    const bool by_flag = strict != nullptr && strict->Is(JsonValue::Kind::kTrue);
    bounds.push_back({*std::move(number), keyword == exclusive || by_flag});
  }
  return bounds;
}

Status Restrict(const NumberSet& added, const JsonValue& schema, std::string_view keyword,
                const SchemaContext& context, NumberSet* numbers) {
  Result<NumberSet> both = Intersection(*numbers, added);
  if (!both) return Placed(both.error(), *context.document, &schema, keyword);
  *numbers = *std::move(both);
  return std::nullopt;
}

Status AddMultipleOf(const JsonValue& schema, const SchemaContext& context, NumberSet* numbers) {
  const JsonValue* divisor = schema.Find("multipleOf");
  if (divisor == nullptr) return std::nullopt;
  Result<Decimal> number = Decimal::Parse(divisor->text);
  if (!number) return Placed(number.error(), *context.document, &schema, "multipleOf");
  Result<NumberSet> multiples = NumberSet::MultipleOf(*number);
  if (!multiples) return Placed(multiples.error(), *context.document, &schema, "multipleOf");
  return Restrict(*multiples, schema, "multipleOf", context, numbers);
}

}  // namespace

Result<std::vector<TextSet>> TextsOf(const JsonValue& schema, const SchemaContext& context) {
  TextSet texts{Dfa::All(),
                {CountAt(schema, "minLength", 0), CountAt(schema, "maxLength", kUnlimited)}};
  if (const JsonValue* pattern = schema.Find("pattern")) {
    Result<TextSet> found = PatternTexts(pattern->text);
    const std::size_t work = found ? WorkBudget::EdgesOfPattern(found->texts) : 0;
    Status error = Add(std::move(found), work, schema, "pattern", context, &texts);
    if (error) return std::move(*error);
  }
  if (Status error = AddFormat(schema, context, &texts)) return std::move(*error);
  if (IsEmpty(texts)) return std::vector<TextSet>();
  return std::vector<TextSet>{std::move(texts)};
}

bool HasNarrowedFormat(const JsonValue& schema) {
  static const std::set<std::string_view> kNarrowed = {
      "time", "date-time", "email", "hostname", "uri", "uri-reference", "uri-template"};
  const JsonValue* format = schema.Find("format");
  return format != nullptr && kNarrowed.count(format->text) > 0;
}

Result<NumberSet> NumbersOf(const JsonValue& schema, const SchemaContext& context) {
  NumberSet numbers = NumberSet::All();
  auto lower = BoundsOf(schema, "minimum", "exclusiveMinimum", context);
  if (!lower) return lower.error();
  for (const Bound& bound : *lower) {
    const NumberSet above =
        bound.exclusive ? NumberSet::MoreThan(bound.value) : NumberSet::AtLeast(bound.value);
    Status error = Restrict(above, schema, "minimum", context, &numbers);
    if (error) return std::move(*error);
  }
  auto upper = BoundsOf(schema, "maximum", "exclusiveMaximum", context);
  if (!upper) return upper.error();
  for (const Bound& bound : *upper) {
    const NumberSet below =
        bound.exclusive ? NumberSet::LessThan(bound.value) : NumberSet::AtMost(bound.value);
    Status error = Restrict(below, schema, "maximum", context, &numbers);
    if (error) return std::move(*error);
  }
  if (Status error = AddMultipleOf(schema, context, &numbers)) return std::move(*error);
  return numbers;
}

}  // namespace sentiric::grammar
