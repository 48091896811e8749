// SPDX-License-Identifier: AGPL-3.0-only
// Renders conversations to text with the model's template.
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

// A template and the facts about the vocabulary that it needs.
struct ChatTemplateSpec {
  std::string origin;     // "model" | "override" | "fallback"
  std::string source;     // Jinja
  std::string bos_token;  // as text; empty when there is none
  std::string eos_token;
  bool adds_bos = false;  // the tokenizer adds it: a leading one is removed from the rendered text
  bool adds_eos = false;  // the same at the end
};

// Templates for models without one, by their turn tokens.
enum class TemplateFamily { kChatMl, kLlama3, kGemma, kMistral, kPlain };
const char* FallbackTemplate(TemplateFamily family);

// The override if there is one, else the model's own template, else that of the family whose turn
// tokens the vocabulary has: ChatML, Llama 3, Gemma, Mistral, or plain text.
ChatTemplateSpec FindChatTemplate(const llama_model* model, const std::string& override_source);

// Immutable after construction; any thread may call Render.
//
// Templates accept different conversations. A conversation is first rendered as it is. If the
// template refuses it, adjacent messages of one role are joined (with a blank line), then system
// messages are put in front of the next user message, then tool messages become user messages. The
// constructor finds out which of these changes an ordinary conversation needs, with a test
// conversation of markers; a template that loses a marker fails.
class ChatTemplate {
 public:
  explicit ChatTemplate(ChatTemplateSpec spec);

  // Why no conversation can be rendered; nullopt when the template works.
  const Status& status() const { return status_; }
  const ChatTemplateSpec& spec() const { return spec_; }

  // kInvalidArgument ("messages[i].role", ".content", "messages") for input that is invalid for any
  // template, kTemplateFailed when this template fails. now: see JinjaInput.
  Result<RenderedPrompt> Render(const std::vector<Message>& messages, bool add_generation_prompt,
                                std::time_t now = 0) const;
  // The same within an allowance that several renderings share.
  Result<RenderedPrompt> Render(const std::vector<Message>& messages, bool add_generation_prompt,
                                std::time_t now, RenderAllowance* allowance) const;

 private:
  // The changes to a conversation that the template needs.
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

// Checks roles, sizes and UTF-8. Returns the first error.
Status CheckMessages(const std::vector<Message>& messages);

}  // namespace sentiric::backend
