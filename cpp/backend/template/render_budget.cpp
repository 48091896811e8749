// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/render_budget.h"

#include <pthread.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace sentiric::backend {
namespace {

thread_local RenderBudget* current_budget = nullptr;

// Deep enough for any reasonable template; unwinding from here takes a tenth of a second.
constexpr std::uintptr_t kStackBytes = std::uintptr_t{4} << 20;

// Levels that may be added before the depth of all values is checked again. Freeing a chain
// recurses, so this bounds the stack that freeing needs.
constexpr int kLinks = 8192;

constexpr int kCalls = 300;           // macros within macros
constexpr std::size_t kCallers = 16;  // call blocks within call blocks, or kept after their end

// One variable in one scope: its name and its entries in the list and the hash table. Copying takes
// about a nanosecond per byte.
constexpr std::size_t kVariableBytes = 512;
constexpr std::size_t kOwnVariables = 8;  // those of the engine

constexpr std::int64_t kStepWork = 200;
constexpr std::int64_t kLook =
    200000;  // work between two readings of the clock, which are not free
constexpr std::int64_t kVisitWork = 100;

// The lowest stack address for calls: kStackBytes down, or a quarter of the thread's stack left.
std::uintptr_t LowestStack() {
  pthread_attr_t attributes;
  void* base = nullptr;
  std::size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  pthread_attr_getstack(&attributes, &base, &size);
  pthread_attr_destroy(&attributes);
  const auto here = reinterpret_cast<std::uintptr_t>(&attributes);
  return std::max(reinterpret_cast<std::uintptr_t>(base) + size / 4, here - kStackBytes);
}

std::chrono::nanoseconds ThreadTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

RenderBudget::RenderBudget(RenderAllowance* allowance, std::size_t names)
    : allowance_(allowance),
      start_(ThreadTime()),
      scope_bytes_((names + kOwnVariables) * kVariableBytes),
      lowest_stack_(LowestStack()),
      outer_(current_budget) {
  current_budget = this;
}

RenderBudget::~RenderBudget() {
  allowance_->time += ThreadTime() - start_;
  current_budget = outer_;
}

RenderBudget& RenderBudget::Current() { return *current_budget; }

void RenderBudget::Refuse(const std::string& reason) {
  if (refusal_.empty()) refusal_ = reason;
  throw std::runtime_error(reason);
}

void RenderBudget::AddVariables(std::size_t count) { scope_bytes_ += count * kVariableBytes; }

void RenderBudget::Step() {
  if (++steps_ > JinjaLimits::kSteps) Refuse("too many steps");
  Work(kStepWork);
}

void RenderBudget::Work(std::int64_t nanoseconds) {
  const char here = 0;
  if (reinterpret_cast<std::uintptr_t>(&here) < lowest_stack_) {
    Refuse("macros call each other too deeply");
  }
  if (nanoseconds > JinjaLimits::kLongestWork) Refuse("one operation would take too long");
  if (allowance_->work + nanoseconds > JinjaLimits::kWork) Refuse("took too long");
  allowance_->work += nanoseconds;
  allowance_->longest = std::max(allowance_->longest, nanoseconds);
  since_look_ += nanoseconds;
  if (since_look_ >= kLook) CheckTime();
}

void RenderBudget::CheckTime() {
  since_look_ = 0;
  const std::chrono::nanoseconds used = allowance_->time + (ThreadTime() - start_);
  if (used > std::chrono::milliseconds(JinjaLimits::kMilliseconds)) Refuse("took too long");
}

void RenderBudget::Reserve(std::size_t made, std::size_t temporary) {
  if (made > JinjaLimits::kValueBytes) Refuse("a value is too large");
  const std::size_t wanted = made + temporary;
  if (held_ + memory_.bytes() + wanted > JinjaLimits::kMemoryBytes) {
    Work(static_cast<std::int64_t>(memory_.Recount()) * kVisitWork);
    links_ = 0;
  }
  const std::size_t total = held_ + memory_.bytes() + wanted;
  if (total > JinjaLimits::kMemoryBytes) Refuse("all values together are too large");
  memory_.Made(made);
  allowance_->peak_bytes = std::max(allowance_->peak_bytes, total);
}

void RenderBudget::Keep(std::size_t bytes) {
  Reserve(0, bytes);
  held_ += bytes;
}

void RenderBudget::Enter() {
  Step();
  if (++calls_ > kCalls) Refuse("macros call each other too deeply");
}

void RenderBudget::RememberCaller(const jinja::value& caller) {
  const auto is_done = [&](const std::weak_ptr<jinja::value_t>& known) {
    const jinja::value alive = known.lock();
    return alive == nullptr || alive == caller;
  };
  callers_.erase(std::remove_if(callers_.begin(), callers_.end(), is_done), callers_.end());
  if (caller->is_undefined()) return;
  callers_.push_back(caller);
  if (callers_.size() > kCallers) Refuse("too many call blocks are alive");
}

void RenderBudget::Write(std::size_t bytes) {
  written_ += bytes;
  if (written_ > JinjaLimits::kWrittenBytes) {
    Refuse("wrote more than " + std::to_string(JinjaLimits::kWrittenBytes) + " bytes");
  }
}

void RenderBudget::Link(int levels) {
  links_ += levels;
  if (links_ <= kLinks) return;
  links_ = 0;
  Work(static_cast<std::int64_t>(memory_.Recount()) * kVisitWork);
}

RenderBudget::Operands::Operands() : begin_(Current().operands_.size()), outer_(Current().shown_) {}

RenderBudget::Operands::~Operands() {
  RenderBudget& budget = Current();
  budget.shown_ = outer_;
  budget.operands_.resize(begin_);
}

void RenderBudget::Operands::Push(jinja::value value) {
  Current().operands_.push_back(std::move(value));
}

void RenderBudget::Operands::Show() { Current().shown_ = begin_; }

const jinja::value& RenderBudget::Operands::operator[](std::size_t index) const {
  return Current().operands_[begin_ + index];
}

std::size_t RenderBudget::Operands::size() const { return Current().operands_.size() - begin_; }

}  // namespace sentiric::backend
