// SPDX-License-Identifier: AGPL-3.0-only
// Renders conversations to text with the model's template.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "backend/prompt/template_shape.h"
#include "backend/prompt/text_filter.h"
#include "backend/template/jinja_template.h"
#include "sentiric/prompt.h"
#include "sentiric/types.h"

struct llama_model;

namespace sentiric::backend {

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

struct RenderOptions {
  bool add_generation_prompt = true;
  std::time_t now = 0;  // see JinjaInput
  TextFilter filter = nullptr;
  TextFilter answer_filter = nullptr;  // for contents of the assistant; null = as for the others
  // Only what GrowingPart() leaves of a conversation that does not continue; all of it where the
  // template does not tell where that ends.
  bool is_growing = false;
};

// Immutable after construction; any thread may call Render.
//
// Templates accept different conversations. The constructor finds out with test conversations which
// changes an ordinary one needs (template_shape.h); a template that loses a message of it fails. If
// a template refuses a conversation, more is changed until it takes it: adjacent messages of one
// role are joined (with a blank line), system messages are put in front of the next user message,
// results of tools become user messages, calls become text, and an empty user message is put in
// front of an assistant that begins.
//
// A template that has no tools does without them; calls and results become text of the messages.
// A conversation that continues ends right behind the last content, exactly as it was given.
class ChatTemplate {
 public:
  explicit ChatTemplate(ChatTemplateSpec spec);

  // Why no conversation can be rendered; nullopt when the template works.
  const Status& status() const { return status_; }
  const ChatTemplateSpec& spec() const { return spec_; }

  // The error of CheckConversation for input that is invalid for any template, kTemplateFailed when
  // this template fails. now: see JinjaInput.
  Result<RenderedPrompt> Render(const Prompt& prompt, bool add_generation_prompt,
                                std::time_t now = 0) const;
  // The same within an allowance that several renderings share.
  Result<RenderedPrompt> Render(const Prompt& prompt, const RenderOptions& options,
                                RenderAllowance* allowance) const;
  const TemplateShape& shape() const { return shape_; }

 private:
  Result<RenderedPrompt> RenderAnyhow(const Prompt& prompt, const RenderOptions& options,
                                      RenderAllowance* allowance) const;
  Result<RenderedPrompt> RenderGrowing(const Prompt& prompt, const RenderOptions& options,
                                       RenderAllowance* allowance) const;
  Result<RenderedPrompt> RenderContinued(const Prompt& prompt, const RenderOptions& options,
                                         RenderAllowance* allowance) const;
  Result<RenderedPrompt> RenderShape(const Prompt& prompt, TemplateShape shape,
                                     const RenderOptions& options,
                                     RenderAllowance* allowance) const;
  void StripAffixes(RenderedPrompt* prompt) const;

  // All constant after construction.
  ChatTemplateSpec spec_;
  std::unique_ptr<JinjaTemplate> template_;
  TemplateShape shape_;
  Status status_;
};

}  // namespace sentiric::backend
