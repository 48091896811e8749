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
class Grammar;  // core/grammar/automaton/grammar.h; immutable, shared by requests
}

// A rendered conversation. Text from messages is user input: control tokens are recognised only in
// spans that the template itself wrote.
struct RenderedPrompt {
  struct Span {
    bool is_input = false;
    std::string text;
  };
  std::vector<Span> spans;
  // Where the first text of each message begins in Text(); npos for one that has none there or that
  // the template changes. Empty unless the rendering was asked for it.
  std::vector<std::size_t> message_begins = {};
  std::string Text() const;
};

// Everything the engine needs to run a request.
struct PreparedPrompt {
  std::vector<Token> tokens;
  std::int32_t keep = 0;  // head that a context shift must keep: BOS and system prompt
  // Tokens before the end of the first user message: prompts that diverge there belong to different
  // conversations. 0 for prompts without messages, which do not mark where a user speaks.
  std::int32_t opening = 0;
  TruncationReport truncation;                      // turns dropped to make it fit
  std::shared_ptr<const grammar::Grammar> grammar;  // null = unconstrained
};

// Thread-safe after construction. Calls may need deep stacks (see backend/template/deep_stack.h),
// so the engine makes them only on its preparation threads.
class PromptBuilder {
 public:
  virtual ~PromptBuilder() = default;

  // Renders, tokenises, applies the truncation policy and compiles the grammar.
  // max_prompt: most tokens of the prompt (context size minus one).
  virtual Result<PreparedPrompt> Prepare(const Request& request, std::int32_t max_prompt) = 0;

  // A conversation for display. message_begins only if asked for: they take more renderings.
  virtual Result<RenderedPrompt> Render(const Prompt& prompt, bool add_generation_prompt,
                                        bool finds_messages) = 0;
  // The tokens of a conversation, however many.
  virtual Result<std::vector<Token>> TokenizeChat(const Prompt& prompt,
                                                  bool add_generation_prompt) = 0;
  virtual Result<std::vector<Token>> Tokenize(std::string_view text, bool add_special,
                                              bool parse_special) = 0;
  // The bytes of the tokens; control tokens only with show_special.
  virtual Result<std::string> Detokenize(const std::vector<Token>& tokens, bool show_special) = 0;
};

}  // namespace sentiric
