// SPDX-License-Identifier: AGPL-3.0-only
// What one rendering may still use. llama.cpp's Jinja engine has no limits of its own, so guards in
// its syntax tree charge this budget before they let it do anything.
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

// Lives on the stack of the rendering thread; a program with guards runs only while there is one.
class RenderBudget {
 public:
  // names: number of variables in the template; each scope is a copy of all of them.
  RenderBudget(RenderAllowance* allowance, std::size_t names);
  ~RenderBudget();
  RenderBudget(const RenderBudget&) = delete;
  RenderBudget& operator=(const RenderBudget&) = delete;

  static RenderBudget& Current();

  // Each throws a std::exception when a limit is exceeded. Call it before the operation it stands
  // for.
  void Step();                                                // a block begins
  void Work(std::int64_t nanoseconds);                        // up to the next call
  void Reserve(std::size_t made, std::size_t temporary = 0);  // bytes of values, temporary bytes
  void Write(std::size_t bytes);                              // of output
  void Link(int levels);  // before values are put into one that others may hold

  // Throws, and keeps the reason for refusal().
  [[noreturn]] void Refuse(const std::string& reason);
  const std::string& refusal() const { return refusal_; }

  RenderMemory* memory() { return &memory_; }
  std::size_t scope_bytes() const { return scope_bytes_; }
  // Variables that are there from the beginning.
  void AddVariables(std::size_t count);

  // Bytes that live as long as the innermost Hold: variables of a scope, text of an open block.
  // Enter() counts a macro call, which ends with the Hold, too.
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

  // The body of a call block keeps a copy of all variables as long as it is held.
  void RememberCaller(const jinja::value& caller);

  // The operands of the running operation, for the Slots in its node.
  class Operands {
   public:
    Operands();
    ~Operands();
    Operands(const Operands&) = delete;
    Operands& operator=(const Operands&) = delete;
    void Push(jinja::value value);
    void Show();  // after all are pushed: from now on Slots see these
    const jinja::value& operator[](std::size_t index) const;
    std::size_t size() const;

   private:
    std::size_t begin_;
    std::size_t outer_;
  };
  const jinja::value& Operand(std::size_t index) const { return operands_[shown_ + index]; }

  // The output of the innermost loop.
  struct Output {
    jinja::string text;
    std::size_t bytes = 0;
  };
  Output* loop_output = nullptr;

 private:
  void CheckTime();

  RenderAllowance* allowance_;
  std::chrono::nanoseconds start_;  // of this rendering
  std::int64_t since_look_ = 0;     // work since the clock was last read
  std::size_t scope_bytes_;
  std::uintptr_t lowest_stack_;  // recursion must stay above
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
