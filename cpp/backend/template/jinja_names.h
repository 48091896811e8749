// SPDX-License-Identifier: AGPL-3.0-only
// Collects the names that a template gives to variables; each scope copies all variables.
#pragma once

#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>

#include "backend/template/jinja_template.h"
#include "jinja/runtime.h"

namespace sentiric::backend {

template <typename Node>
Node* As(const jinja::statement_ptr& node) {
  return dynamic_cast<Node*>(node.get());
}

class Names {
 public:
  void Add(const jinja::statement_ptr& node) {
    if (const auto* name = As<jinja::identifier>(node)) names_.insert(name->val);
    if (const auto* pair = As<jinja::keyword_argument_expression>(node)) Add(pair->key);
    if (const auto* tuple = As<jinja::tuple_literal>(node)) Add(tuple->val);
    if (const auto* member = As<jinja::member_expression>(node)) Add(member->property);
    if (names_.size() > JinjaLimits::kNames) {
      throw std::runtime_error("more than " + std::to_string(JinjaLimits::kNames) + " variables");
    }
  }
  void Add(const jinja::statements& nodes) {
    for (const jinja::statement_ptr& node : nodes) Add(node);
  }
  std::size_t size() const { return names_.size(); }

 private:
  std::set<std::string> names_;
};

}  // namespace sentiric::backend
