// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/list_rules.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "backend/template/jinja_template.h"
#include "backend/template/render_budget.h"

namespace sentiric::backend {
namespace {

using jinja::value;

// The engine uses std::sort, which reads out of bounds when the items have no strict order.
void CheckOrder(const std::vector<value>& keys) {
  std::size_t longest = 0;
  for (const value& key : keys) {
    const bool is_number = IsNumber(key) && !std::isnan(key->val_flt);
    const bool is_alike = KindOf(*key) == KindOf(*keys.front());
    if (keys.size() > 1 && (!is_alike || !(is_number || IsText(key)))) {
      throw std::runtime_error("the values cannot be sorted: they have no order");
    }
    longest = std::max(longest, FlatBytes(*key));
  }
  std::size_t rounds = 1;
  while ((std::size_t{1} << rounds) < keys.size()) ++rounds;
  RenderBudget::Current().Work(Signed(2 * keys.size() * rounds * (500 + longest)));
}

value Attribute(const value& item, const value& name) {
  value missing = jinja::mk_val<jinja::value_undefined>();
  if (name == nullptr || name->is_undefined()) return item;
  if (KindOf(*item) == ValueKind::kMapping) return item->at(name, missing);
  value place = name;
  if (IsList(item) && IsText(name)) {
    char* end = nullptr;
    const std::string digits = name->val_str.str();
    place = jinja::mk_val<jinja::value_int>(std::strtoll(digits.c_str(), &end, 10));
  }
  return IsList(item) ? item->at(place, missing) : missing;
}

// Cost of making a mapping: a template can choose keys of equal hash, which are then all compared.
void AllowKeys(std::size_t keys) {
  if (keys > JinjaLimits::kKeys) RenderBudget::Current().Refuse("a mapping has too many keys");
  Ask(keys * 2 * kNewValue + kNewValue, 0, Signed(keys * keys * 60 + keys * 500));
}

}  // namespace

void AllowEach(const Arguments& arguments) {
  const std::size_t items = Items(arguments[0]);
  const Extent all = Measure(arguments[0]);
  const Extent rest = MeasureRest(arguments, 1);
  RenderBudget::Current().Work(Signed(items * (rest.bytes + rest.nodes * 200)));
  Ask(items * sizeof(value) + kNewValue, items * sizeof(value) * 2,
      Signed(items) * kItem + Signed(all.bytes * 2));
}

void CheckDivisor(const value& given) {
  if (!IsNumber(given)) return;
  if (given->val_int == 0 || given->val_int == -1)
    throw std::runtime_error("divisibleby: invalid divisor");
}

// selectattr("size", "divisibleby", 0) and its like call a test with the arguments after its name.
void AllowSelect(const Arguments& arguments) {
  AllowEach(arguments);
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (!IsText(arguments[i])) continue;
    const std::string test = arguments[i]->val_str.str();
    if (test == "divisibleby") CheckDivisor(arguments[i + 1]);
    if (test != "in") continue;
    for (const value& item : arguments[0]->val_arr) {
      AllowSearch(item, arguments[i + 1]);
      for (const auto& [key, field] : item->val_obj) AllowSearch(field, arguments[i + 1]);
    }
  }
}

void AllowSort(const Arguments& arguments) {
  AllowEach(arguments);
  const value attribute = Argument(arguments, "attribute", 3);
  std::vector<value> keys;
  for (const value& item : arguments[0]->val_arr) keys.push_back(Attribute(item, attribute));
  CheckOrder(keys);
}

void AllowExtreme(const Arguments& arguments) {
  AllowEach(arguments);
  const value attribute = Argument(arguments, "attribute", 2);
  std::size_t longest = 0;
  for (const value& item : arguments[0]->val_arr) {
    longest = std::max(longest, FlatBytes(*Attribute(item, attribute)));
  }
  RenderBudget::Current().Work(Signed(2 * Items(arguments[0]) * longest));
}

void AllowDictSort(const Arguments& arguments) {
  AllowEach(arguments);
  AllowKeys(Items(arguments[0]));
  const value by = Argument(arguments, "by", 2);
  const bool by_value = by != nullptr && IsText(by) && by->val_str.str() == "value";
  std::vector<value> keys;
  for (const auto& [key, item] : arguments[0]->val_obj) keys.push_back(by_value ? item : key);
  CheckOrder(keys);
}

void AllowDict(const Arguments& arguments) {
  std::size_t keys = arguments.size();
  if (!arguments.empty()) keys += Items(arguments[0]);
  AllowKeys(keys);
  for (const value& given : arguments) RenderBudget::Current().memory()->Remember(given);
  RenderBudget::Current().Link(1);
  if (arguments.empty() || !IsList(arguments[0])) return;
  for (const value& pair : arguments[0]->val_arr) {
    if (!pair->val_arr.empty()) Measure(pair->val_arr[0]);  // it becomes a key and is hashed
  }
}

void AllowItems(const Arguments& arguments) {
  const std::size_t count = Items(arguments[0]);
  Ask((count + 1) * kNewValue, 0, Signed(count) * kItem);
}

void AllowAppend(const Arguments& arguments) {
  RenderMemory* memory = RenderBudget::Current().memory();
  if (arguments.size() > 1) {
    if (KindOf(*arguments[1]) == ValueKind::kKeyword) {
      throw std::runtime_error("append() takes no keyword argument");
    }
    const bool is_simple = IsText(arguments[1]) || Items(arguments[1]) == 0;
    if (!is_simple || KindOf(*arguments[1]) == ValueKind::kFunction) {
      RenderBudget::Current().Link(JinjaLimits::kDepth);
    }
    memory->Remember(arguments[1]);
  }
  memory->Remember(arguments[0]);
  if (Items(arguments[0]) >= JinjaLimits::kItems) {
    RenderBudget::Current().Refuse("a list is too large");
  }
  Ask(2 * sizeof(value), FlatBytes(*arguments[0]), 100);
}

void AllowPop(const Arguments& arguments) {
  CheckInteger(Argument(arguments, "index", 1), JinjaLimits::kItems, "an index");
  Ask(0, 0, Signed(FlatBytes(*arguments[0])));
}

void AllowSlice(const Arguments& arguments) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    CheckInteger(arguments[i], std::int64_t{1} << 40, "a bound");
  }
  AllowFlat(arguments);
}

void AllowRange(const Arguments& arguments) {
  for (const value& bound : arguments) CheckInteger(bound, JinjaLimits::kRangeItems, "range()");
  std::int64_t most = 0;
  for (std::size_t i = 0; i < arguments.size() && i < 2; ++i) {
    if (IsNumber(arguments[i])) most += std::llabs(arguments[i]->val_int);
  }
  Ask((static_cast<std::size_t>(most) + 1) * kNewValue, 0, most * 200);
}

}  // namespace sentiric::backend
