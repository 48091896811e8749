// SPDX-License-Identifier: AGPL-3.0-only
// Text to tokens: chat template, tokenizer and grammar compilation of one loaded model.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

namespace grammar {
class Grammar;  // core/grammar/grammar.h; immutable, shared by requests
}

// A rendered conversation. Bytes that came from messages are user input: control tokens are
// recognised only in spans that came from the template itself.
struct RenderedPrompt {
  struct Span {
    bool is_input = false;
    std::string text;
  };
  std::vector<Span> spans;
  std::string Text() const;
};

// Everything the engine needs to run a request.
struct PreparedPrompt {
  std::vector<Token> tokens;
  std::int32_t keep = 0;  // head that a KV shift must not drop: BOS and the system prompt
  // Tokens before the end of the first user message: prompts that part inside it are different
  // conversations. 0 when the prompt has no messages: nothing tells where a user speaks.
  std::int32_t opening = 0;
  TruncationReport truncation;                      // turns dropped to make it fit
  std::shared_ptr<const grammar::Grammar> grammar;  // null = unconstrained
};

// Thread-safe after construction. Calls may need deep stacks (see backend/template/deep_stack.h):
// the engine makes them on its preparation threads only.
class PromptBuilder {
 public:
  virtual ~PromptBuilder() = default;

  // Renders, tokenises, applies the truncation policy and compiles the grammar.
  // max_prompt: tokens the prompt may take at most (context size less one).
  virtual Result<PreparedPrompt> Prepare(const Request& request, std::int32_t max_prompt) = 0;

  virtual Result<RenderedPrompt> Render(const std::vector<Message>& messages,
                                        bool add_generation_prompt) = 0;
  virtual Result<std::vector<Token>> Tokenize(std::string_view text, bool add_special,
                                              bool parse_special) = 0;
  // Bytes of the tokens; control tokens are shown only when asked for.
  virtual Result<std::string> Detokenize(const std::vector<Token>& tokens, bool show_special) = 0;
};

}  // namespace sentiric
