// SPDX-License-Identifier: AGPL-3.0-only
// Bounds on llama.cpp's Jinja engine: a look at the tokens before its recursive parser runs, and
// guards planted in the syntax tree, because the engine has no limits of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "jinja/lexer.h"
#include "jinja/runtime.h"
#include "sentiric/error.h"

namespace sentiric::backend {

// Nesting and size of a token list (JinjaLimits); nullopt when the parser may have it.
Status CheckTokens(const jinja::lexer_result& tokens);

// Plants guards in the program: each loop turn and macro call counts as a step, each value written
// or stored counts its size. They act on the RenderBudget of the thread; a program with guards
// runs only while there is one.
void PlantGuards(jinja::program* program);

// Replaces range() by one that refuses long ranges.
void BoundBuiltins(jinja::context* context);

// What one rendering may still use. Lives on the stack of the thread that renders.
class RenderBudget {
 public:
  RenderBudget();
  ~RenderBudget();
  RenderBudget(const RenderBudget&) = delete;
  RenderBudget& operator=(const RenderBudget&) = delete;

  // Each throws std::runtime_error when a limit is passed.
  void Step();
  void Write(const jinja::value& value);
  static void CheckSize(const jinja::value& value);

  static RenderBudget& Current();

 private:
  std::chrono::steady_clock::time_point deadline_;
  std::uintptr_t lowest_stack_;  // recursion must not go below
  int steps_ = 0;
  std::size_t written_ = 0;
  RenderBudget* outer_;
};

}  // namespace sentiric::backend
