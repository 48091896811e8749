// SPDX-License-Identifier: AGPL-3.0-only
// What one rendering may still use. llama.cpp's Jinja engine has no limits of its own: guards in
// its syntax tree ask here before they let it do something.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/template/jinja_template.h"
#include "backend/template/render_memory.h"
#include "jinja/value.h"

namespace sentiric::backend {

// Lives on the stack of the thread that renders; a program with guards runs only while there is
// one.
class RenderBudget {
 public:
  // names: how many variables the template has; each scope is a copy of all.
  RenderBudget(RenderAllowance* allowance, std::size_t names);
  ~RenderBudget();
  RenderBudget(const RenderBudget&) = delete;
  RenderBudget& operator=(const RenderBudget&) = delete;

  static RenderBudget& Current();

  // Each throws a std::exception when a limit is passed, and must be called before what it is
  // about.
  void Step();                                                // a block begins
  void Work(std::int64_t nanoseconds);                        // until the next call
  void Reserve(std::size_t made, std::size_t temporary = 0);  // bytes of values, bytes for a while
  void Write(std::size_t bytes);                              // of output
  void Link(int levels);  // values are about to be put into one that others may hold

  // Throws, and keeps the reason for whoever catches it.
  [[noreturn]] void Refuse(const std::string& reason);
  const std::string& refusal() const { return refusal_; }

  RenderMemory* memory() { return &memory_; }
  std::size_t scope_bytes() const { return scope_bytes_; }

  // Bytes that live as long as the innermost Hold: variables of a scope, text that waits for its
  // block. Enter() is a macro's call, that ends with it, too.
  void Keep(std::size_t bytes);
  void Enter();
  class Hold {
   public:
    explicit Hold(bool active)
        : held_(Current().held_), calls_(Current().calls_), active_(active) {}
    ~Hold() {
      if (!active_) return;
      Current().held_ = held_;
      Current().calls_ = calls_;
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    std::size_t held_;
    int calls_;
    bool active_;
  };

  // The body of a call block keeps a copy of all variables for as long as somebody holds it.
  void RememberCaller(const jinja::value& caller);

  // The operands of the operation that runs, for the slots in its place in the tree.
  class Operands {
   public:
    Operands();
    ~Operands();
    Operands(const Operands&) = delete;
    Operands& operator=(const Operands&) = delete;
    void Push(jinja::value value);
    void Show();  // all are pushed: from now on slots see these
    const jinja::value& operator[](std::size_t index) const;
    std::size_t size() const;

   private:
    std::size_t begin_;
    std::size_t outer_;
  };
  const jinja::value& Operand(std::size_t index) const { return operands_[shown_ + index]; }

  // Where the output of the innermost loop goes.
  struct Output {
    jinja::string text;
    std::size_t bytes = 0;
  };
  Output* loop_output = nullptr;

 private:
  void CheckTime();

  RenderAllowance* allowance_;
  std::chrono::nanoseconds start_;  // of this rendering
  std::int64_t since_look_ = 0;     // work since the last look at the clock
  std::size_t scope_bytes_;
  std::uintptr_t lowest_stack_;  // recursion must not go below
  RenderMemory memory_;
  std::vector<jinja::value> operands_;
  std::size_t shown_ = 0;
  std::size_t held_ = 0;
  std::size_t written_ = 0;
  int steps_ = 0;
  int links_ = 0;
  int calls_ = 0;
  std::vector<std::weak_ptr<jinja::value_t>> callers_;
  std::string refusal_;
  RenderBudget* outer_;
};

}  // namespace sentiric::backend
