// SPDX-License-Identifier: AGPL-3.0-only
// A compiled Jinja template that runs within limits. A chat template comes with the model file, so
// it is an untrusted program: whatever it does, it ends with a result or an error before it exceeds
// the limits below.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sentiric/prompt.h"
#include "sentiric/types.h"

namespace jinja {
struct value_t;
}  // namespace jinja

namespace sentiric::backend {

struct JinjaLimits {
  static constexpr std::size_t kSourceBytes = std::size_t{256} << 10;
  static constexpr std::size_t kTokens = 65536;
  static constexpr int kNesting = 64;                // brackets, and blocks within blocks
  static constexpr std::size_t kBlockTokens = 2048;  // in one {{ }} or {% %}
  static constexpr int kBranches = 1024;             // elif, which nest in the syntax tree
  static constexpr std::size_t kNames = 256;  // variables; each iteration and macro call copies all
  static constexpr std::size_t kNameBytes = 128;
  static constexpr int kRangeItems = 10000;
  static constexpr std::size_t kItems = 65536;  // of one list
  static constexpr std::size_t kKeys = 512;     // of one mapping; keys can be chosen to collide
  static constexpr int kDepth = 80;             // of values within values
  static constexpr std::size_t kValueBytes = std::size_t{8} << 20;     // of one value
  static constexpr std::size_t kMemoryBytes = std::size_t{48} << 20;   // as RenderMemory counts
  static constexpr std::size_t kWrittenBytes = std::size_t{32} << 20;  // macros count twice
  static constexpr std::size_t kOutputBytes = std::size_t{4} << 20;
  static constexpr int kSteps = 2000000;  // blocks run: iterations, macro calls, branches
  // Work is counted before it is done, in approximate nanoseconds, so that a template always gets
  // as far and no single operation takes long. The clock catches what is counted wrongly.
  static constexpr std::int64_t kWork = 2000000000;
  static constexpr std::int64_t kLongestWork = 50000000;
  static constexpr int kMilliseconds = 2000;
};

// What a rendering has used, or several that share the limits. One thread at a time.
struct RenderAllowance {
  std::chrono::nanoseconds time{0};  // processor time, so that other processes do not count
  std::int64_t work = 0;             // at most kWork
  std::int64_t longest = 0;          // longest work between two checks, at most kLongestWork
  std::size_t peak_bytes = 0;        // as RenderMemory counts, at most kMemoryBytes
};

// What the template gets. Text that is marked as input in a variable is so in the result.
struct JinjaInput {
  using Variable = std::pair<std::string, std::shared_ptr<jinja::value_t>>;
  // Makes the variables while RenderBudget::Current() counts; must reserve their memory.
  std::function<std::vector<Variable>()> variables;
  std::time_t now = 0;  // for strftime_now; 0 = the current time
};

// Whether the error comes from a limit. Another shape of the conversation would exceed it again,
// after as much time.
bool IsTemplateLimit(const Error& error);

// Immutable after Compile(); any thread may render. Uses a deep stack if the thread has one.
class JinjaTemplate {
 public:
  // Errors: kTemplateFailed, with what is wrong and where.
  static Result<std::unique_ptr<JinjaTemplate>> Compile(const std::string& source);
  ~JinjaTemplate();
  JinjaTemplate(const JinjaTemplate&) = delete;
  JinjaTemplate& operator=(const JinjaTemplate&) = delete;

  // kTemplateFailed when the template raises an exception, fails or exceeds a limit. The text of an
  // error comes from the template or from us, never from a message.
  Result<RenderedPrompt> Render(const JinjaInput& input, RenderAllowance* allowance) const;
  Result<RenderedPrompt> Render(const JinjaInput& input) const;

 private:
  struct Program;
  explicit JinjaTemplate(std::unique_ptr<const Program> program);

  std::unique_ptr<const Program> program_;
};

}  // namespace sentiric::backend
