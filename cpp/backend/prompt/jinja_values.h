// SPDX-License-Identifier: AGPL-3.0-only
// Makes values for templates out of what callers wrote.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "backend/prompt/text_filter.h"
#include "core/grammar/schema/json_value.h"
#include "jinja/value.h"

namespace sentiric::backend {

// Lives while a RenderBudget counts; each value is charged to it before it is made. All texts are
// marked as input, names of members too.
class ValueMaker {
 public:
  // The filter must outlive the maker.
  explicit ValueMaker(const TextFilter& filter) : filter_(filter) {}

  jinja::value Text(const std::string& text) const;
  // Recurses as deep as the value, which ParseJsonObject bounds.
  jinja::value Json(const grammar::JsonValue& json) const;

 private:
  jinja::value Filtered(const std::string& text, char filler) const;
  jinja::value Object(const grammar::JsonValue& json) const;

  const TextFilter& filter_;
};

// Values of the template's own text, charged likewise.
std::shared_ptr<jinja::value_object_t> NewObject();
std::shared_ptr<jinja::value_array_t> NewList();
jinja::value OwnText(std::string_view text);

}  // namespace sentiric::backend
