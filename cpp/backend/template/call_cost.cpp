// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/call_cost.h"

#include "backend/template/render_budget.h"

namespace sentiric::backend {

using jinja::value;

namespace {
constexpr std::int64_t kCall = 2000;  // every call, whatever it does
}  // namespace

value Argument(const Arguments& arguments, const char* name, std::size_t place) {
  for (const value& given : arguments) {
    if (KindOf(*given) != ValueKind::kKeyword) continue;
    const auto& keyword = static_cast<const jinja::value_kwarg_t&>(*given);
    if (keyword.key == name) return keyword.val;
  }
  const bool is_given =
      place < arguments.size() && KindOf(*arguments[place]) != ValueKind::kKeyword;
  return is_given ? arguments[place] : nullptr;
}

void CheckInteger(const value& given, std::int64_t limit, const char* what) {
  if (given == nullptr || !IsNumber(given)) return;
  if (given->val_int > limit || given->val_int < -limit) {
    RenderBudget::Current().Refuse(std::string(what) + " over " + std::to_string(limit));
  }
}

void Ask(std::size_t made, std::size_t temporary, std::int64_t work) {
  RenderBudget::Current().Reserve(made, temporary);
  RenderBudget::Current().Work(kCall + work);
}

Extent MeasureRest(const Arguments& arguments, std::size_t first, TextForm form) {
  Extent all;
  for (std::size_t i = first; i < arguments.size(); ++i) {
    const Extent one = Measure(arguments[i], form);
    all.nodes += one.nodes;
    all.bytes += one.bytes;
    all.depth = std::max(all.depth, one.depth);
  }
  return all;
}

void AllowFlat(const Arguments& arguments) {
  std::size_t bytes = kNewValue;
  for (const value& given : arguments) bytes += FlatBytes(*given);
  Ask(bytes, 2 * bytes, Signed(bytes) * 4);
}

void AllowText(const Arguments& arguments) {
  const Extent all = MeasureRest(arguments, 0, TextForm::kEscaped);
  Ask(all.bytes + kNewValue, 4 * all.bytes, Signed(all.bytes * 10 + all.nodes * 500));
}

void AllowString(const Arguments& arguments) {
  IsText(arguments[0]) ? AllowFlat(arguments) : AllowText(arguments);
}

// At worst all of the needle is compared at each position of the haystack.
void AllowFind(std::size_t haystack, std::size_t needle) {
  const std::size_t places = haystack < needle ? 1 : haystack - needle + 1;
  RenderBudget::Current().Work(Signed(haystack + needle + places * (3 + needle / 16)));
}

void AllowSearch(const value& needle, const value& haystack) {
  const Extent part = Measure(needle);
  if (IsText(haystack)) {
    RenderBudget::Current().Reserve(0, FlatBytes(*haystack) + part.bytes);
    return AllowFind(FlatBytes(*haystack), part.bytes);
  }
  const Extent whole = Measure(haystack);
  RenderBudget::Current().Work(
      Signed(Items(haystack) * (part.bytes / 4 + part.nodes * 100) + whole.bytes * 2));
}

}  // namespace sentiric::backend
