// SPDX-License-Identifier: AGPL-3.0-only
// A compiled Jinja template that runs within bounds. A chat template comes with the model file, so
// it is somebody else's program: whatever it does ends, in a result or in an error, before it has
// taken more time or memory than the limits below.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "sentiric/prompt.h"
#include "sentiric/types.h"

namespace sentiric::backend {

struct JinjaLimits {
  static constexpr std::size_t kSourceBytes = std::size_t{256} << 10;
  static constexpr std::size_t kTokens = 65536;
  static constexpr int kNesting = 64;                // brackets, and blocks within blocks
  static constexpr std::size_t kBlockTokens = 2048;  // in one {{ }} or {% %}
  static constexpr int kBranches = 1024;             // elif, which nest in the syntax tree
  static constexpr std::size_t kNames = 256;  // variables; each loop turn and macro call copies all
  static constexpr std::size_t kNameBytes = 128;
  static constexpr int kRangeItems = 10000;
  static constexpr std::size_t kItems = 65536;  // of one list
  static constexpr std::size_t kKeys = 512;     // of one mapping; equal hashes can be chosen
  static constexpr int kDepth = 64;             // of values within values
  static constexpr std::size_t kValueBytes = std::size_t{8} << 20;     // of one value
  static constexpr std::size_t kMemoryBytes = std::size_t{48} << 20;   // as RenderMemory counts
  static constexpr std::size_t kWrittenBytes = std::size_t{32} << 20;  // macros count again
  static constexpr std::size_t kOutputBytes = std::size_t{4} << 20;
  static constexpr int kSteps = 2000000;  // blocks run: loop turns, macro calls, branches
  // Work is counted before it is done, in about nanoseconds: the same for the same template, and
  // however long one operation would take. The clock is there for what was counted wrongly.
  static constexpr std::int64_t kWork = 2000000000;
  static constexpr std::int64_t kLongestWork = 50000000;
  static constexpr int kMilliseconds = 2000;
};

// What one rendering took, or several that share what is allowed. For one thread at a time.
struct RenderAllowance {
  std::chrono::nanoseconds time{0};  // of the processor, so that neighbours do not count
  std::int64_t work = 0;             // at most kWork
  std::int64_t longest = 0;          // work between two checks, at most kLongestWork
  std::size_t peak_bytes = 0;        // as RenderMemory counts, at most kMemoryBytes
};

// What the template sees. Roles and the special tokens count as the template's own text; message
// contents are marked as input in the result.
struct JinjaInput {
  const std::vector<Message>* messages = nullptr;
  bool typed_content = false;  // content as [{"type": "text", "text": ...}]
  bool add_generation_prompt = true;
  std::string bos_token;
  std::string eos_token;
  std::time_t now = 0;  // for strftime_now; 0 = the current time
};

// True for an error that came from a limit: the same conversation in another shape would meet it
// again, after as long a time.
bool IsTemplateLimit(const Error& error);

// Immutable after Compile(); any thread may render, deep stacks are used when they are there.
class JinjaTemplate {
 public:
  // kTemplateFailed with what is wrong and where.
  static Result<std::unique_ptr<JinjaTemplate>> Compile(const std::string& source);
  ~JinjaTemplate();
  JinjaTemplate(const JinjaTemplate&) = delete;
  JinjaTemplate& operator=(const JinjaTemplate&) = delete;

  // kTemplateFailed when the template raises, fails or passes a limit. The text of an error comes
  // from the template or from here, never from a message.
  Result<RenderedPrompt> Render(const JinjaInput& input, RenderAllowance* allowance) const;
  Result<RenderedPrompt> Render(const JinjaInput& input) const;

 private:
  struct Program;
  explicit JinjaTemplate(std::unique_ptr<const Program> program);

  std::unique_ptr<const Program> program_;
};

}  // namespace sentiric::backend
