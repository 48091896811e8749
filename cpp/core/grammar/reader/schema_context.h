// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>
#include <string_view>

#include "core/grammar/schema/document.h"
#include "core/grammar/schema/expressions.h"
#include "core/grammar/schema/shape.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Who knows the shapes of expressions.
class ShapeSource {
 public:
  virtual ~ShapeSource() = default;
  // Valid as long as the source.
  virtual Result<const Shape*> Expand(Expr expr) = 0;
};

// What reading one schema of a document needs.
struct SchemaContext {
  Document* document = nullptr;
  Expressions* expressions = nullptr;
  ShapeSource* shapes = nullptr;
};

// Puts the place of a keyword into an error that has no place in a schema.
Error Placed(Error error, const Document& document, const JsonValue* schema,
             std::string_view keyword);

// Of a kCount (see keywords.h); kUnlimited when it does not fit.
std::uint32_t CountOf(const JsonValue& value);

// The value of a kCount keyword, or `missing`.
std::uint32_t CountAt(const JsonValue& schema, std::string_view keyword, std::uint32_t missing);

}  // namespace sentiric::grammar
