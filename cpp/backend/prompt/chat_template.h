// SPDX-License-Identifier: AGPL-3.0-only
// Conversations to text, by the model's own template.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "backend/template/jinja_template.h"
#include "sentiric/prompt.h"
#include "sentiric/types.h"

struct llama_model;

namespace sentiric::backend {

inline constexpr std::size_t kMaxMessages = 2048;
inline constexpr std::size_t kMaxContentBytes = std::size_t{2} << 20;  // all messages together

// A template and what it needs to know of the vocabulary.
struct ChatTemplateSpec {
  std::string origin;     // "model" | "override" | "fallback"
  std::string source;     // Jinja
  std::string bos_token;  // as text; empty when there is none
  std::string eos_token;
  bool adds_bos = false;  // the tokenizer adds it: a leading one is taken off the rendered text
  bool adds_eos = false;  // likewise at the end
};

// For models without a template, by their turn tokens.
enum class TemplateFamily { kChatMl, kLlama3, kGemma, kMistral, kPlain };
const char* FallbackTemplate(TemplateFamily family);

// The override if there is one, else the model's own template, else one for the family whose turn
// tokens the vocabulary has: ChatML, Llama 3, Gemma, Mistral, and plain text for any other.
ChatTemplateSpec FindChatTemplate(const llama_model* model, const std::string& override_source);

// Immutable after construction; any thread may call Render.
//
// Templates differ in what they take. A conversation is given as it is first; when the template
// refuses it, adjacent messages of one role are joined (a blank line between), then system messages
// are put in front of the next user message, then tool messages are given as user messages. What
// this template needs of that for an ordinary conversation is found out once, by a small one made
// of markers, which must come out again: a template that loses them fails.
class ChatTemplate {
 public:
  explicit ChatTemplate(ChatTemplateSpec spec);

  // Why no conversation can be rendered; nullopt when they can.
  const Status& status() const { return status_; }
  const ChatTemplateSpec& spec() const { return spec_; }

  // kInvalidArgument ("messages[i].role", ".content", "messages") for input that no template could
  // take, kTemplateFailed when this one does not. now: see JinjaInput.
  Result<RenderedPrompt> Render(const std::vector<Message>& messages, bool add_generation_prompt,
                                std::time_t now = 0) const;
  // Likewise, within what is left of an allowance.
  Result<RenderedPrompt> Render(const std::vector<Message>& messages, bool add_generation_prompt,
                                std::time_t now, RenderAllowance* allowance) const;

 private:
  // What has to be done to a conversation so that the template takes it.
  struct Shape {
    bool typed_content = false;
    bool join_adjacent = false;
    bool fold_system = false;
    bool tool_as_user = false;
  };

  Result<RenderedPrompt> RenderShape(const std::vector<Message>& messages, const Shape& shape,
                                     bool add_generation_prompt, std::time_t now,
                                     RenderAllowance* allowance) const;
  Status LearnShape(RenderAllowance* allowance);
  void LearnTools(RenderAllowance* allowance);
  void StripAffixes(RenderedPrompt* prompt) const;

  // All constant after construction.
  ChatTemplateSpec spec_;
  std::unique_ptr<JinjaTemplate> template_;
  Shape shape_;
  Status status_;
};

// Checks roles, sizes and UTF-8; the first thing wrong, nullopt if nothing is.
Status CheckMessages(const std::vector<Message>& messages);

}  // namespace sentiric::backend
