// SPDX-License-Identifier: AGPL-3.0-only
// A compiled Jinja template that runs within bounds. A chat template comes with the model file, so
// it is somebody else's program: loops without end, recursion, doubling strings and deep nesting
// are refused or stopped here. What is left to the operating system: memory taken by one single
// filter call.
#pragma once

#include <cstddef>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "sentiric/prompt.h"
#include "sentiric/types.h"

namespace sentiric::backend {

struct JinjaLimits {
  static constexpr std::size_t kSourceBytes = std::size_t{256} << 10;
  static constexpr int kNesting = 64;                // brackets, and blocks within blocks
  static constexpr std::size_t kBlockTokens = 2048;  // in one {{ }} or {% %}
  static constexpr int kBranches = 1024;             // elif, which nest in the syntax tree
  static constexpr int kRangeItems = 10000;
  static constexpr std::size_t kValueBytes = std::size_t{8} << 20;     // of one variable
  static constexpr std::size_t kWrittenBytes = std::size_t{32} << 20;  // macros count again
  static constexpr std::size_t kOutputBytes = std::size_t{4} << 20;
  static constexpr int kSteps = 2000000;  // loop turns and macro calls
  static constexpr int kMilliseconds = 2000;
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
  Result<RenderedPrompt> Render(const JinjaInput& input) const;

 private:
  struct Program;
  explicit JinjaTemplate(std::unique_ptr<const Program> program);

  std::unique_ptr<const Program> program_;
};

}  // namespace sentiric::backend
