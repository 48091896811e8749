// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/json_object.h"

#include <string>
#include <utility>
#include <vector>

#include "backend/template/jinja_template.h"
#include "core/text/json_scan.h"

namespace sentiric::backend {
namespace {

using grammar::JsonValue;

Error Invalid(std::string what) { return Error{ErrorCode::kInvalidArgument, "", std::move(what)}; }

// The limits, before any value is built.
Status CheckLimits(std::string_view text, std::int32_t max_depth) {
  JsonLimits limits;
  limits.depth = max_depth;
  limits.items = kMaxJsonItems;
  switch (ScanJson(text, limits).passed) {
    case JsonLimit::kNone: return std::nullopt;
    case JsonLimit::kDepth:
      return Invalid("nested too deeply; allowed " + std::to_string(max_depth) + " levels");
    case JsonLimit::kItems:
      return Invalid("too many values; allowed " + std::to_string(kMaxJsonItems));
    case JsonLimit::kNumber:
      return Invalid("a number is too long; allowed " + std::to_string(limits.number_bytes) +
                     " characters");
  }
  return std::nullopt;
}

bool HasLargeObject(const JsonValue& root) {
  std::vector<const JsonValue*> pending = {&root};
  while (!pending.empty()) {
    const JsonValue* value = pending.back();
    pending.pop_back();
    if (value->members.size() > JinjaLimits::kKeys) return true;
    for (const JsonValue& item : value->items) pending.push_back(&item);
    for (const JsonValue::Member& member : value->members) pending.push_back(&member.second);
  }
  return false;
}

}  // namespace

Result<JsonValue> ParseJsonObject(std::string_view text, std::int32_t max_depth) {
  if (Status bad = CheckLimits(text, max_depth)) return *bad;
  grammar::JsonLimits limits;
  limits.text_bytes = text.size();  // the caller's bound
  limits.depth = static_cast<std::uint32_t>(max_depth);
  auto parsed = grammar::ParseJson(text, limits);
  if (!parsed.ok()) {
    const std::string& place = parsed.error().where;  // json_schema:LINE:COLUMN
    return Invalid(parsed.error().what + " at " + place.substr(place.find(':') + 1));
  }
  if (!parsed->Is(JsonValue::Kind::kObject)) {
    return Invalid("must be a JSON object; got " + std::string(grammar::KindName(parsed->kind)));
  }
  if (HasLargeObject(*parsed)) {
    return Invalid("too many members in one object; allowed " + std::to_string(JinjaLimits::kKeys));
  }
  return parsed;
}

}  // namespace sentiric::backend
