// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/jinja_values.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "backend/template/call_cost.h"
#include "backend/template/render_budget.h"
#include "backend/template/spelled_number.h"

namespace sentiric::backend {
namespace {

using grammar::JsonValue;
using jinja::value;

constexpr std::int64_t kValueWork = 300;
constexpr std::int64_t kMemberWork = 30;  // for each two members: names can be chosen to collide
constexpr std::size_t kMember = 2 * kNewValue;
constexpr std::string_view kFillers = "xyzabcdefghijklmnopqrstuvw0123456789";

void Charge(std::size_t bytes) {
  RenderBudget::Current().Work(kValueWork + static_cast<std::int64_t>(bytes) / 2);
  RenderBudget::Current().Reserve(kNewValue + bytes);
}

template <typename T>
std::shared_ptr<T> New() {
  Charge(0);
  auto made = std::make_shared<T>();
  RenderBudget::Current().memory()->Remember(made);
  return made;
}

// An integer when its spelling is that of one, as in Python.
value Number(const std::string& spelling) {
  std::int64_t integer = 0;
  const char* const end = spelling.data() + spelling.size();
  const auto read = std::from_chars(spelling.data(), end, integer);
  if (read.ec == std::errc() && read.ptr == end && std::to_string(integer) == spelling) {
    return jinja::mk_val<jinja::value_int>(integer);
  }
  return std::make_shared<SpelledNumber>(std::strtod(spelling.c_str(), nullptr), spelling);
}

}  // namespace

std::shared_ptr<jinja::value_object_t> NewObject() { return New<jinja::value_object_t>(); }
std::shared_ptr<jinja::value_array_t> NewList() { return New<jinja::value_array_t>(); }

value OwnText(std::string_view text) {
  Charge(2 * text.size());
  return jinja::mk_val<jinja::value_string>(std::string(text));
}

value ValueMaker::Text(const std::string& text) const { return Filtered(text, kFillers.front()); }

value ValueMaker::Filtered(const std::string& text, char filler) const {
  Charge(2 * text.size());
  auto made = jinja::mk_val<jinja::value_string>(filter_ ? filter_(text, filler) : text);
  made->mark_input();
  RenderBudget::Current().memory()->Remember(made);
  return made;
}

value ValueMaker::Json(const JsonValue& json) const {
  switch (json.kind) {
    case JsonValue::Kind::kString: return Text(json.text);
    case JsonValue::Kind::kObject: return Object(json);
    case JsonValue::Kind::kArray: {
      auto list = NewList();
      for (const JsonValue& item : json.items) list->push_back(Json(item));
      return list;
    }
    case JsonValue::Kind::kNumber: Charge(json.text.size()); return Number(json.text);
    case JsonValue::Kind::kTrue:
    case JsonValue::Kind::kFalse:
      Charge(0);
      return jinja::mk_val<jinja::value_bool>(json.kind == JsonValue::Kind::kTrue);
    case JsonValue::Kind::kNull: break;
  }
  Charge(0);
  return jinja::mk_val<jinja::value_none>();
}

value ValueMaker::Object(const JsonValue& json) const {
  auto object = NewObject();
  const std::size_t size = json.members.size();
  RenderBudget::Current().Reserve(size * kMember);
  RenderBudget::Current().Work(static_cast<std::int64_t>(size * size) * kMemberWork);
  for (const JsonValue::Member& member : json.members) {
    value key = Text(member.first);
    for (std::size_t i = 1; i < kFillers.size() && object->has_key(key); ++i) {
      key = Filtered(member.first, kFillers[i]);
    }
    object->insert(key, Json(member.second));
  }
  return object;
}

}  // namespace sentiric::backend
