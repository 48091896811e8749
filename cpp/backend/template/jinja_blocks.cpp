// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/jinja_blocks.h"

#include <algorithm>

#include "backend/template/value_extent.h"

namespace sentiric::backend {
namespace {

using jinja::value;
using Output = RenderBudget::Output;

constexpr std::int64_t kAssignment = 1000;

RenderBudget& Budget() { return RenderBudget::Current(); }

bool HoldsValues(const value& given) {
  const ValueKind kind = KindOf(*given);
  return kind == ValueKind::kList || kind == ValueKind::kMapping || kind == ValueKind::kFunction;
}

// Shared, because it is never changed.
const value& Nothing() {
  static const value nothing = jinja::mk_val<jinja::value_undefined>();
  return nothing;
}

void Write(const jinja::string& text, Output* out, bool is_new) {
  for (const jinja::string_part& part : text.parts) {
    const std::size_t bytes = part.val.size();
    out->bytes += bytes;
    if (out->bytes > JinjaLimits::kOutputBytes) {
      Budget().Refuse("wrote more than " + std::to_string(JinjaLimits::kOutputBytes) + " bytes");
    }
    if (is_new) Budget().Write(bytes);
    Budget().Work(static_cast<std::int64_t>(bytes) / 4);
    Budget().Keep(2 * bytes + sizeof part);  // growing strings reserve spare room
    AppendPart(part, &out->text);
  }
}

// The text of a block as a value.
value ToValue(const jinja::string& text) {
  value made = jinja::mk_val<jinja::value_string>(text);
  Budget().Reserve(MemoryOf(*made));
  Budget().memory()->Remember(made);
  return made;
}

// Writes a value at once, because it may change before the block ends. is_new: false for the output
// of a statement, which was counted when it was written.
void Print(const value& given, Output* out, bool is_new) {
  if (IsText(given)) return Write(given->val_str, out, is_new);
  if (given->is_undefined()) return;
  Budget().Reserve(0, 2 * Measure(given).bytes);
  Write(jinja::runtime::gather_string_parts(given)->val_str, out, is_new);
}

}  // namespace

value Block::execute_impl(jinja::context& ctx) const {
  const RenderBudget::Hold until_it_ends(kind != Kind::kLoop);
  Budget().Step();
  if (kind == Kind::kMacro) Budget().RememberCaller(ctx.get_val("caller"));
  Output own;
  Output* const out = kind == Kind::kLoop ? Budget().loop_output : &own;
  for (const statement_ptr& child : body) {
    const value result = child->execute(ctx);
    Print(result, out, dynamic_cast<const jinja::expression*>(child.get()) != nullptr);
  }
  return own.text.parts.empty() ? Nothing() : ToValue(own.text);
}

value SetGuard::execute_impl(jinja::context& ctx) const {
  RenderBudget::Operands operands;
  value given = stored->execute(ctx);
  const bool is_body = dynamic_cast<const Block*>(stored.get()) != nullptr;
  if (is_body && !IsText(given)) given = jinja::mk_val<jinja::value_string>();
  Budget().memory()->Remember(given);
  const bool links = HoldsValues(given);
  value target = owner ? owner->execute(ctx) : nullptr;
  operands.Push(std::move(given));
  Budget().Work(kAssignment + static_cast<std::int64_t>(Budget().scope_bytes()) / 4);
  Budget().Reserve(2 * kNewValue);
  if (target) {
    Budget().memory()->Remember(target);
    if (links) Budget().Link(JinjaLimits::kDepth);
    if (target->val_obj.size() >= JinjaLimits::kKeys)
      Budget().Refuse("a mapping has too many keys");
    operands.Push(std::move(target));
  }
  operands.Show();
  inner->execute_impl(ctx);
  return Nothing();
}

value LoopGuard::execute_impl(jinja::context& ctx) const {
  const RenderBudget::Hold until_it_ends(true);
  Budget().Step();
  Budget().Keep(2 * Budget().scope_bytes());
  Output output;
  struct Redirect {
    explicit Redirect(Output* to) : outer(std::exchange(Budget().loop_output, to)) {}
    ~Redirect() { Budget().loop_output = outer; }
    Output* outer;
  };
  value otherwise;
  {
    const Redirect here(&output);
    otherwise = inner->execute_impl(ctx);
  }
  Print(otherwise, &output, false);
  return ToValue(output.text);
}

value IterableGuard::execute_impl(jinja::context& ctx) const {
  value items = inner->execute(ctx);
  const std::size_t count = std::max(items->val_arr.size(), items->val_obj.size());
  if (count > JinjaLimits::kItems) Budget().Refuse("a list is too large");
  Budget().memory()->Remember(items);
  Budget().Keep(count * (items->val_obj.empty() ? 256 : 640));
  if (!unpacked || !IsList(items)) return items;
  // The engine counts the parts of an item before it reads them; a copy cannot change in between.
  auto fixed = jinja::mk_val<jinja::value_array>();
  for (const value& item : items->val_arr) {
    fixed->push_back(IsList(item) ? value(jinja::mk_val<jinja::value_tuple>(item->val_arr)) : item);
    Budget().Keep(384 + 2 * FlatBytes(*item));
  }
  return fixed;
}

value ItemGuard::execute_impl(jinja::context& ctx) const {
  Budget().Work(static_cast<std::int64_t>(Budget().scope_bytes()));
  return inner ? inner->execute(ctx) : jinja::mk_val<jinja::value_bool>(true);
}

}  // namespace sentiric::backend
