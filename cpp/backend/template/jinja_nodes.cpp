// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/jinja_nodes.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <stdexcept>

#include "backend/template/bounded_builtins.h"
#include "backend/template/value_extent.h"

namespace sentiric::backend {
namespace {

using jinja::value;

constexpr std::int64_t kOperation = 1000;  // every node, whatever the engine does for it
constexpr std::size_t kManyParts = 16;
constexpr std::size_t kKeyBytes = 4096;  // an undefined value keeps the key as its name

RenderBudget& Budget() { return RenderBudget::Current(); }

// Joins the many parts that concatenation leaves; each is larger than its text.
void JoinParts(jinja::string* text) {
  jinja::string joined;
  for (const jinja::string_part& part : text->parts) AppendPart(part, &joined);
  *text = std::move(joined);
}

// A list or text that an operation returned.
value Made(value result) {
  const bool is_new = result.use_count() == 1;
  if (is_new && result->val_str.parts.size() > kManyParts) JoinParts(&result->val_str);
  if (KindOf(*result) == ValueKind::kKeyword)
    throw std::runtime_error("a keyword argument is not a value");
  Budget().memory()->Remember(result);
  return result;
}

// The engine's own name of a filter that has several.
std::string FilterName(const std::string& written) {
  if (written == "count") return "length";
  if (written == "d") return "default";
  if (written == "e") return "escape";
  return written == "trim" ? "strip" : written;
}

bool TakesText(const std::string& filter) {
  return filter == "capitalize" || filter == "lower" || filter == "replace" || filter == "strip" ||
         filter == "title" || filter == "upper" || filter == "wordcount";
}

}  // namespace

void AppendPart(const jinja::string_part& part, jinja::string* out) {
  if (part.val.empty()) return;
  if (!out->parts.empty() && out->parts.back().is_input == part.is_input) {
    out->parts.back().val += part.val;
  } else {
    out->parts.push_back(part);
  }
}

value Name::execute_impl(jinja::context& ctx) const {
  const value found = ctx.get_val(static_cast<const jinja::identifier&>(*inner).val);
  return found->is_undefined() ? inner->execute_impl(ctx) : found;
}

void Operation::Take(statement_ptr* operand) {
  if (!*operand) return;
  operands.push_back(std::move(*operand));
  *operand = std::make_unique<Slot>(operands.size() - 1);
}

value Operation::execute_impl(jinja::context& ctx) const {
  RenderBudget::Operands shown;
  Arguments arguments;
  for (const statement_ptr& operand : operands) arguments.push_back(operand->execute(ctx));
  Budget().Work(kOperation);
  Budget().Reserve(kNewValue * (1 + arguments.size()));
  if (value result = Allow(&arguments)) return Made(std::move(result));
  for (value& argument : arguments) shown.Push(std::move(argument));
  shown.Show();
  return Made(inner->execute_impl(ctx));
}

value BinaryGuard::Allow(Arguments* arguments) const {
  const value& left = (*arguments)[0];
  const value& right = (*arguments)[1];
  if (sign == "==" || sign == "!=") {
    const std::size_t bytes = Measure(left).bytes + Measure(right).bytes;
    Budget().Work(static_cast<std::int64_t>(bytes) * 2);
    Budget().Reserve(0, bytes);
  } else if (sign == "in" || sign == "not in") {
    AllowSearch(left, right);
  } else if (sign == "*" && (IsText(left) || IsText(right))) {
    const value& text = IsText(left) ? left : right;
    const std::int64_t times = IsText(left) ? right->as_int() : left->as_int();
    if (std::llabs(times) > JinjaLimits::kRangeItems) {
      Budget().Refuse("a factor above " + std::to_string(JinjaLimits::kRangeItems));
    }
    const std::size_t bytes =
        FlatBytes(*text) * static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
    Budget().Work(static_cast<std::int64_t>(bytes));
    Budget().Reserve(bytes, bytes);
  } else if (IsList(left) && IsList(right)) {
    const std::size_t bytes = FlatBytes(*left) + FlatBytes(*right);
    if (bytes > JinjaLimits::kItems * sizeof(value)) Budget().Refuse("a value is too large");
    Budget().Link(1);
    Budget().Work(static_cast<std::int64_t>(bytes));
    Budget().Reserve(2 * bytes);
  } else if (IsText(left) || IsText(right)) {
    std::size_t bytes = 0;
    for (const value& side : *arguments) {
      bytes += IsText(side) ? FlatBytes(*side) : Measure(side, TextForm::kEscaped).bytes;
    }
    Budget().Work(static_cast<std::int64_t>(bytes));
    Budget().Reserve(bytes, bytes);
  }
  return nullptr;
}

value NegationGuard::Allow(Arguments* arguments) const {
  const value& number = (*arguments)[0];
  if (KindOf(*number) == ValueKind::kNumber &&
      number->val_int == std::numeric_limits<std::int64_t>::min()) {
    throw std::runtime_error("the negated number is out of range");
  }
  return nullptr;
}

value MemberGuard::Allow(Arguments* arguments) const {
  if (slices) {
    AllowBuiltin("slice", *arguments);
    return nullptr;
  }
  for (std::size_t i = 1; i < arguments->size(); ++i) {
    if (Measure((*arguments)[i]).bytes > kKeyBytes) Budget().Refuse("a key is too long");
  }
  const value& object = (*arguments)[0];
  if (IsText(object)) Budget().Work(static_cast<std::int64_t>(FlatBytes(*object)) / 4);
  return nullptr;
}

value BuiltinGuard::Allow(Arguments* arguments) const {
  const std::string called = FilterName(name);
  value& operand = (*arguments)[0];
  if (TakesText(called) && !IsText(operand) && !operand->is_undefined()) {
    AllowBuiltin("string", {operand});
    operand = jinja::mk_val<jinja::value_string>(operand->as_string());
  }
  AllowBuiltin(called, *arguments);
  return RunBounded(called, *arguments);
}

value CallGuard::execute_impl(jinja::context& ctx) const {
  const RenderBudget::Hold until_it_returns(true);
  return Operation::execute_impl(ctx);
}

value CallGuard::Allow(Arguments* arguments) const {
  const value callee = arguments->back();
  if (KindOf(*callee) != ValueKind::kFunction) return nullptr;
  const auto& function = static_cast<const jinja::value_func_t&>(*callee);
  Budget().Keep(scopes * Budget().scope_bytes());
  for (const value& argument : *arguments) Budget().memory()->Remember(argument);
  if (!function.arg0 && !HasRule(function.name)) {  // a macro
    Budget().Enter();
    return nullptr;
  }
  Arguments given(arguments->begin(), arguments->end() - 1);
  if (function.arg0) given.insert(given.begin(), function.arg0);
  AllowBuiltin(function.name, given);
  return function.arg0 ? RunBounded(function.name, given) : nullptr;
}

value LiteralGuard::execute_impl(jinja::context& ctx) const {
  Budget().Work(kOperation);
  value made = inner->execute_impl(ctx);
  const std::size_t parts = made->val_arr.size() + 2 * made->val_obj.size();
  Budget().Reserve(MemoryOf(*made) + parts * kNewValue);
  Budget().Work(static_cast<std::int64_t>(made->val_obj.size() * made->val_obj.size() * 30));
  Budget().Link(1);
  Budget().memory()->Remember(made);
  return made;
}

value TextGuard::execute_impl(jinja::context& ctx) const {
  value text = inner->execute_impl(ctx);
  Budget().Reserve(MemoryOf(*text));
  Budget().memory()->Remember(text);
  return text;
}

value KeyGuard::execute_impl(jinja::context& ctx) const {
  value key = inner->execute_impl(ctx);
  Measure(key);
  return key;
}

}  // namespace sentiric::backend
