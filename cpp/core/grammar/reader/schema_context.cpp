// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/reader/schema_context.h"

#include <utility>

namespace sentiric::grammar {

Error Placed(Error error, const Document& document, const JsonValue* schema,
             std::string_view keyword) {
  if (error.where.rfind("json_schema", 0) != 0)
    error.where = document.ErrorAt(schema, keyword, "").where;
  return error;
}

std::uint32_t CountOf(const JsonValue& value) {
  const Result<Decimal> number = Decimal::Parse(value.text);
  if (!number || number->magnitude() > 9) return kUnlimited;
  std::string digits = number->digits();
  digits.append(static_cast<std::size_t>(number->exponent()), '0');
  return digits.empty() ? 0 : static_cast<std::uint32_t>(std::stoul(digits));
}

std::uint32_t CountAt(const JsonValue& schema, std::string_view keyword, std::uint32_t missing) {
  const JsonValue* value = schema.Find(keyword);
  return value == nullptr ? missing : CountOf(*value);
}

}  // namespace sentiric::grammar
