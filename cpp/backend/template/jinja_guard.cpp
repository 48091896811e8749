// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/jinja_guard.h"

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "backend/template/jinja_blocks.h"
#include "backend/template/jinja_names.h"
#include "backend/template/jinja_nodes.h"

namespace sentiric::backend {
namespace {

constexpr std::size_t kLongText = 256;
constexpr std::size_t kScopesOfCall = 2;
constexpr std::size_t kScopesOfCallBlock = 6;

statements Only(statement_ptr node) {
  statements one;
  one.push_back(std::move(node));
  return one;
}

class Planter {
 public:
  void Body(statements* body, Block::Kind kind) {
    for (statement_ptr& child : *body) Plant(&child);
    auto block = std::make_unique<Block>(std::move(*body), kind);
    *body = Only(std::move(block));
  }

  const Names& names() const { return names_; }

 private:
  void PlantAll(statements* nodes) {
    for (statement_ptr& node : *nodes) Plant(&node);
  }

  void Plant(statement_ptr* slot) {
    if (*slot == nullptr || PlantLeaf(slot) || PlantOperation(slot) || PlantLiteral(slot) ||
        PlantChoice(*slot) || PlantStatement(slot)) {
      return;
    }
    throw std::runtime_error("unknown kind of node: " + (*slot)->type());
  }

  template <typename Guard, typename... Arguments>
  Guard* Wrap(statement_ptr* slot, Arguments&&... arguments) {
    auto guard = std::make_unique<Guard>(std::move(*slot), std::forward<Arguments>(arguments)...);
    Guard* const planted = guard.get();
    *slot = std::move(guard);
    return planted;
  }

  bool PlantLeaf(statement_ptr* slot) {
    const statement_ptr& node = *slot;
    if (As<jinja::identifier>(node)) {
      Wrap<Name>(slot);
      return true;
    }
    if (const auto* text = As<jinja::string_literal>(node)) {
      if (text->val.size() >= kLongText) Wrap<TextGuard>(slot);
      return true;
    }
    return As<jinja::integer_literal>(node) || As<jinja::float_literal>(node) ||
           As<jinja::comment_statement>(node) || As<jinja::noop_statement>(node) ||
           As<jinja::break_statement>(node) || As<jinja::continue_statement>(node) ||
           As<jinja::blank_expression>(node);
  }

  bool PlantOperation(statement_ptr* slot) {
    if (auto* binary = As<jinja::binary_expression>(*slot)) {
      Plant(&binary->left);
      Plant(&binary->right);
      if (binary->op.value == "and" || binary->op.value == "or") return true;  // makes no new value
      auto* guard = Wrap<BinaryGuard>(slot, binary->op.value);
      guard->Take(&binary->left);
      guard->Take(&binary->right);
    } else if (auto* unary = As<jinja::unary_expression>(*slot)) {
      Plant(&unary->argument);
      if (unary->op.value == "-") Wrap<NegationGuard>(slot)->Take(&unary->argument);
    } else if (auto* member = As<jinja::member_expression>(*slot)) {
      PlantMember(slot, member);
    } else if (auto* filter = As<jinja::filter_expression>(*slot)) {
      Plant(&filter->operand);
      auto* guard = Wrap<BuiltinGuard>(slot, CalledName(filter->filter, ""));
      guard->Take(&filter->operand);
      TakeArguments(guard, filter->filter);
    } else if (auto* test = As<jinja::test_expression>(*slot)) {
      Plant(&test->operand);
      auto* guard = Wrap<BuiltinGuard>(slot, CalledName(test->test, "test_is_"));
      guard->Take(&test->operand);
      TakeArguments(guard, test->test);
    } else if (auto* call = As<jinja::call_expression>(*slot)) {
      PlantCall(Wrap<CallGuard>(slot, kScopesOfCall), call);
    } else {
      return false;
    }
    return true;
  }

  void PlantMember(statement_ptr* slot, jinja::member_expression* member) {
    Plant(&member->object);
    auto* slice = As<jinja::slice_expression>(member->property);
    auto* guard = Wrap<MemberGuard>(slot, slice != nullptr);
    guard->Take(&member->object);
    if (slice != nullptr) {
      for (statement_ptr* bound : {&slice->start_expr, &slice->stop_expr, &slice->step_expr}) {
        Plant(bound);
        guard->Take(bound);
      }
    } else if (member->computed) {
      Plant(&member->property);
      guard->Take(&member->property);
    }
  }

  void PlantCall(CallGuard* guard, jinja::call_expression* call) {
    for (statement_ptr& argument : call->args) {
      Plant(&argument);
      guard->Take(&argument);
    }
    Plant(&call->callee);
    guard->Take(&call->callee);
  }

  // A filter or test is written as a name or as a call of a name.
  static std::string CalledName(const statement_ptr& node, const std::string& prefix) {
    const auto* call = As<jinja::call_expression>(node);
    const auto* name = As<jinja::identifier>(call != nullptr ? call->callee : node);
    if (name == nullptr) throw std::runtime_error("a filter or test must be given by name");
    return prefix + name->val;
  }

  void TakeArguments(Operation* guard, const statement_ptr& node) {
    auto* call = As<jinja::call_expression>(node);
    if (call == nullptr) return;
    for (statement_ptr& argument : call->args) {
      Plant(&argument);
      guard->Take(&argument);
    }
  }

  bool PlantLiteral(statement_ptr* slot) {
    if (auto* list = As<jinja::array_literal>(*slot)) {
      PlantAll(&list->val);
    } else if (auto* tuple = As<jinja::tuple_literal>(*slot)) {
      PlantAll(&tuple->val);
    } else if (auto* object = As<jinja::object_literal>(*slot)) {
      for (auto& [key, item] : object->val) {
        Plant(&key);
        Wrap<KeyGuard>(&key);
        Plant(&item);
      }
    } else {
      return false;
    }
    Wrap<LiteralGuard>(slot);
    return true;
  }

  // Nodes that only choose one of their children.
  bool PlantChoice(const statement_ptr& node) {
    if (auto* ternary = As<jinja::ternary_expression>(node)) {
      Plant(&ternary->condition);
      Plant(&ternary->true_expr);
      Plant(&ternary->false_expr);
    } else if (auto* select = As<jinja::select_expression>(node)) {
      Plant(&select->lhs);
      Plant(&select->test);
    } else if (auto* keyword = As<jinja::keyword_argument_expression>(node)) {
      Plant(&keyword->val);
    } else if (auto* spread = As<jinja::spread_expression>(node)) {
      Plant(&spread->argument);
    } else if (auto* branch = As<jinja::if_statement>(node)) {
      Plant(&branch->test);
      Body(&branch->body, Block::Kind::kPlain);
      Body(&branch->alternate, Block::Kind::kPlain);
    } else {
      return false;
    }
    return true;
  }

  bool PlantStatement(statement_ptr* slot) {
    if (auto* loop = As<jinja::for_statement>(*slot)) {
      PlantLoop(loop);
      Wrap<LoopGuard>(slot);
    } else if (auto* set = As<jinja::set_statement>(*slot)) {
      PlantSet(slot, set);
    } else if (auto* macro = As<jinja::macro_statement>(*slot)) {
      names_.Add(macro->name);
      PlantParameters(&macro->args);
      Body(&macro->body, Block::Kind::kMacro);
    } else if (auto* block = As<jinja::call_statement>(*slot)) {
      PlantParameters(&block->caller_args);
      Body(&block->body, Block::Kind::kMacro);
      auto* call = As<jinja::call_expression>(block->call);
      if (call == nullptr) throw std::runtime_error("a call block needs a call expression");
      PlantCall(Wrap<CallGuard>(slot, kScopesOfCallBlock), call);
    } else if (auto* filter = As<jinja::filter_statement>(*slot)) {
      Body(&filter->body, Block::Kind::kPlain);
      auto* guard = Wrap<BuiltinGuard>(slot, CalledName(filter->filter, ""));
      guard->Take(&filter->body.front());
      TakeArguments(guard, filter->filter);
    } else {
      return false;
    }
    return true;
  }

  void PlantParameters(statements* parameters) {
    names_.Add(*parameters);
    for (statement_ptr& parameter : *parameters) {
      auto* pair = As<jinja::keyword_argument_expression>(parameter);
      if (pair != nullptr) Plant(&pair->val);
    }
  }

  void PlantLoop(jinja::for_statement* loop) {
    names_.Add(loop->loopvar);
    auto* select = As<jinja::select_expression>(loop->iterable);
    statement_ptr items = std::move(select != nullptr ? select->lhs : loop->iterable);
    statement_ptr condition = select != nullptr ? std::move(select->test) : nullptr;
    Plant(&items);
    Plant(&condition);
    Wrap<IterableGuard>(&items, As<jinja::tuple_literal>(loop->loopvar) != nullptr);
    auto guard = std::make_unique<ItemGuard>(std::move(condition));
    const std::size_t pos = items->pos;
    loop->iterable = std::make_unique<jinja::select_expression>(std::move(items), std::move(guard));
    loop->iterable->pos = pos;
    Body(&loop->body, Block::Kind::kLoop);
    Body(&loop->default_block, Block::Kind::kPlain);
  }

  void PlantSet(statement_ptr* slot, jinja::set_statement* set) {
    names_.Add(set->assignee);
    auto* guard = Wrap<SetGuard>(slot);
    if (set->val != nullptr) {
      Plant(&set->val);
      guard->stored = std::move(set->val);
    } else {
      Body(&set->body, Block::Kind::kPlain);
      guard->stored = std::move(set->body.front());
      set->body.clear();
    }
    set->val = std::make_unique<Slot>(0);
    auto* member = As<jinja::member_expression>(set->assignee);
    if (member == nullptr) return;
    Plant(&member->object);
    guard->owner = std::move(member->object);
    member->object = std::make_unique<Slot>(1);
  }

  Names names_;
};

}  // namespace

std::size_t PlantGuards(jinja::program* program) {
  Planter planter;
  planter.Body(&program->body, Block::Kind::kPlain);
  return planter.names().size();
}

}  // namespace sentiric::backend
