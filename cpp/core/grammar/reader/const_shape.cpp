// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/reader/const_shape.h"

#include <string>
#include <utility>

namespace sentiric::grammar {
namespace {

ArrayShape ConstArray(const JsonValue& value, Expressions* expressions) {
  ArrayShape array;
  for (const JsonValue& item : value.items) array.prefix.push_back(expressions->Const(&item));
  array.rest = kNoValue;
  const auto size = static_cast<std::uint32_t>(value.items.size());
  array.size = {size, size};
  return array;
}

ObjectShape ConstObject(const JsonValue& value, Expressions* expressions) {
  ObjectShape object;
  for (const JsonValue::Member& member : value.members)
    object.properties.push_back({member.first, expressions->Const(&member.second), true});
  object.others[0].value = kNoValue;
  return object;
}

}  // namespace

Result<Shape> ConstShape(const std::vector<const JsonValue*>& values, Expressions* expressions) {
  Shape shape;
  std::vector<std::string> texts;
  std::vector<Decimal> numbers;
  for (const JsonValue* value : values) {
    switch (value->kind) {
      case JsonValue::Kind::kNull: shape.null = true; break;
      case JsonValue::Kind::kFalse: shape.no = true; break;
      case JsonValue::Kind::kTrue: shape.yes = true; break;
      case JsonValue::Kind::kString: texts.push_back(value->text); break;
      case JsonValue::Kind::kArray: shape.arrays.push_back(ConstArray(*value, expressions)); break;
      case JsonValue::Kind::kObject:
        shape.objects.push_back(ConstObject(*value, expressions));
        break;
      case JsonValue::Kind::kNumber: {
        Result<Decimal> number = Decimal::Parse(value->text);
        if (!number) return number.error();
        numbers.push_back(*std::move(number));
        break;
      }
    }
  }
  if (!texts.empty()) shape.texts = {TextSet{Dfa::Of(texts), {}}};
  Result<NumberSet> set = NumberSet::OfAll(std::move(numbers));
  if (!set) return set.error();
  shape.numbers = *std::move(set);
  return shape;
}

}  // namespace sentiric::grammar
