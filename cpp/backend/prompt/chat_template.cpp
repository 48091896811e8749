// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/chat_template.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "backend/prompt/conversation.h"
#include "backend/prompt/conversation_check.h"
#include "backend/prompt/conversation_shape.h"
#include "backend/prompt/jinja_conversation.h"
#include "backend/prompt/template_probe.h"

namespace sentiric::backend {
namespace {

constexpr std::size_t kManyMessages = 64;

// Stands where a text goes on.
constexpr const char* kMarker = "sentiric-goes-on-here";

// Removes the last occurrence of the marker and all behind it. False when there is none.
bool CutAtLast(std::string_view marker, RenderedPrompt* prompt) {
  std::size_t at = prompt->Text().rfind(marker);
  if (at == std::string::npos) return false;
  std::vector<RenderedPrompt::Span>& spans = prompt->spans;
  std::size_t kept = 0;
  while (at >= spans[kept].text.size()) at -= spans[kept++].text.size();
  spans[kept].text.resize(at);
  spans.resize(kept + 1);
  return true;
}

// A blank at the end becomes part of the word that follows.
void TrimBlanks(RenderedPrompt* prompt) {
  std::vector<RenderedPrompt::Span>& spans = prompt->spans;
  while (!spans.empty()) {
    std::string& text = spans.back().text;
    text.resize(text.find_last_not_of(" \t") + 1);
    if (!text.empty()) return;
    spans.pop_back();
  }
}

bool HasTextBesideCalls(const Prompt& prompt) {
  return std::any_of(prompt.messages.begin(), prompt.messages.end(), [](const Message& message) {
    return !message.tool_calls.empty() && !message.content.empty();
  });
}

// The work of some templates grows with the square of a conversation: at each message they look
// through all others.
Error WithAdvice(Error limit, std::size_t num_messages) {
  if (num_messages >= kManyMessages) {
    limit.what += "; send fewer than the " + std::to_string(num_messages) + " messages";
  }
  return limit;
}

}  // namespace

ChatTemplate::ChatTemplate(ChatTemplateSpec spec) : spec_(std::move(spec)) {
  auto compiled = JinjaTemplate::Compile(spec_.source);
  if (!compiled.ok()) {
    status_ = compiled.error();
    return;
  }
  template_ = std::move(*compiled);
  RenderAllowance allowance;  // shared by all test conversations
  auto learnt = LearnTemplate(
      spec_.source, [&](const Prompt& prompt, const TemplateShape& shape) -> Result<std::string> {
        const auto rendered = RenderShape(prompt, shape, {}, &allowance);
        if (!rendered.ok()) return rendered.error();
        return rendered->Text();
      });
  if (learnt.ok()) {
    shape_ = *learnt;
  } else {
    status_ = learnt.error();
  }
}

Result<RenderedPrompt> ChatTemplate::Render(const Prompt& prompt, bool add_generation_prompt,
                                            std::time_t now) const {
  RenderAllowance allowance;
  RenderOptions options;
  options.add_generation_prompt = add_generation_prompt;
  options.now = now;
  return Render(prompt, options, &allowance);
}

Result<RenderedPrompt> ChatTemplate::Render(const Prompt& prompt, const RenderOptions& options,
                                            RenderAllowance* allowance) const {
  if (Status bad = CheckConversation(prompt)) return *bad;
  if (status_.has_value()) return *status_;
  if (prompt.continues) return RenderContinued(prompt, options, allowance);
  return options.is_growing ? RenderGrowing(prompt, options, allowance)
                            : RenderAnyhow(prompt, options, allowance);
}

Result<RenderedPrompt> ChatTemplate::RenderAnyhow(const Prompt& prompt,
                                                  const RenderOptions& options,
                                                  RenderAllowance* allowance) const {
  using Shape = TemplateShape;
  auto rendered = RenderShape(prompt, shape_, options, allowance);
  const auto is_refused = [&] {
    return !rendered.ok() && rendered.error().code == ErrorCode::kTemplateFailed &&
           !IsTemplateLimit(rendered.error());
  };
  // Alone, because most templates want the assistant to speak once in a row.
  TemplateShape shape = shape_;
  if (is_refused() && HasTextBesideCalls(prompt) && !shape.content_apart) {
    shape.content_apart = true;
    auto again = RenderShape(prompt, shape, options, allowance);
    if (again.ok()) return again;
    shape.content_apart = false;
  }
  for (bool Shape::* change : {&Shape::join_adjacent, &Shape::fold_system, &Shape::orphan_as_user,
                               &Shape::result_as_user, &Shape::calls_as_text, &Shape::user_first}) {
    if (!is_refused()) break;
    if (shape.*change) continue;
    shape.*change = true;
    auto again = RenderShape(prompt, shape, options, allowance);
    if (again.ok()) return again;
  }
  return rendered;
}

// The text goes through the template with the marker behind it, so that what the template does to a
// text, as to trim it, is done to its beginning as well.
Result<RenderedPrompt> ChatTemplate::RenderGrowing(const Prompt& prompt,
                                                   const RenderOptions& options,
                                                   RenderAllowance* allowance) const {
  Prompt part = prompt;
  part.messages = GrowingPart(prompt.messages);
  part.messages.back().content += kMarker;
  RenderOptions quiet = options;
  quiet.add_generation_prompt = false;
  auto rendered = RenderAnyhow(part, quiet, allowance);
  if (rendered.ok() && CutAtLast(kMarker, &*rendered)) {
    TrimBlanks(&*rendered);
    if (!rendered->spans.empty()) return rendered;
  }
  if (!rendered.ok() && IsTemplateLimit(rendered.error())) return rendered;
  return RenderAnyhow(prompt, options, allowance);
}

// A marker stands for the last content: the text before it is what leads to that content, whatever
// the template trims from it or puts behind it.
Result<RenderedPrompt> ChatTemplate::RenderContinued(const Prompt& prompt,
                                                     const RenderOptions& options,
                                                     RenderAllowance* allowance) const {
  Prompt marked = prompt;
  marked.messages.back().content = kMarker;
  RenderOptions quiet = options;
  quiet.add_generation_prompt = false;
  auto rendered = RenderAnyhow(marked, quiet, allowance);
  if (rendered.ok() && CutAtLast(kMarker, &*rendered)) {
    rendered->spans.push_back({true, prompt.messages.back().content});
    return rendered;
  }
  if (!rendered.ok() && IsTemplateLimit(rendered.error())) return rendered;
  // The template wants somebody else to speak last, so the model's turn begins as always.
  marked.messages.pop_back();
  if (marked.messages.empty()) return rendered;
  quiet.add_generation_prompt = true;
  auto before = RenderAnyhow(marked, quiet, allowance);
  if (before.ok()) before->spans.push_back({true, prompt.messages.back().content});
  return before;
}

Result<RenderedPrompt> ChatTemplate::RenderShape(const Prompt& prompt, TemplateShape shape,
                                                 const RenderOptions& options,
                                                 RenderAllowance* allowance) const {
  if (!prompt.tools.empty() && shape.user_before_calls) shape.user_first = true;
  const std::vector<Message> shaped = Shaped(prompt.messages, shape);
  ConversationInput conversation;
  conversation.messages = &shaped;
  conversation.tools = &prompt.tools;
  conversation.template_arguments = &prompt.template_arguments;
  conversation.shape = shape;
  conversation.add_generation_prompt = options.add_generation_prompt;
  conversation.bos_token = spec_.bos_token;
  conversation.eos_token = spec_.eos_token;
  conversation.filter = options.filter;
  conversation.answer_filter = options.answer_filter;
  JinjaInput input;
  input.variables = [&] { return MakeVariables(conversation); };
  input.now = options.now;
  auto rendered = template_->Render(input, allowance);
  if (rendered.ok()) StripAffixes(&*rendered);
  if (!rendered.ok() && IsTemplateLimit(rendered.error())) {
    return WithAdvice(rendered.error(), prompt.messages.size());
  }
  return rendered;
}

// A model that wants BOS gets it from the tokenizer; the template must not add a second one.
void ChatTemplate::StripAffixes(RenderedPrompt* prompt) const {
  std::vector<RenderedPrompt::Span>& spans = prompt->spans;
  const std::string& bos = spec_.bos_token;
  const std::string& eos = spec_.eos_token;
  if (spec_.adds_bos && !bos.empty() && !spans.empty() && !spans.front().is_input &&
      spans.front().text.compare(0, bos.size(), bos) == 0) {
    spans.front().text.erase(0, bos.size());
    if (spans.front().text.empty()) spans.erase(spans.begin());
  }
  if (spec_.adds_eos && !eos.empty() && !spans.empty() && !spans.back().is_input &&
      spans.back().text.size() >= eos.size()) {
    std::string& text = spans.back().text;
    if (text.compare(text.size() - eos.size(), eos.size(), eos) != 0) return;
    text.resize(text.size() - eos.size());
    if (text.empty()) spans.pop_back();
  }
}

}  // namespace sentiric::backend
