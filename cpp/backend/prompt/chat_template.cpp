// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/chat_template.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backend/prompt/conversation.h"
#include "core/text/utf8.h"

namespace sentiric::backend {
namespace {

constexpr const char* kSeparator = "\n\n";

std::string Where(std::size_t index, const char* field) {
  return "messages[" + std::to_string(index) + "]." + field;
}

bool IsRole(const std::string& role) {
  static constexpr std::array<const char*, 5> kRoles = {"system", "developer", "user", "assistant",
                                                        "tool"};
  return std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end();
}

void JoinInto(std::string* text, const std::string& more) {
  if (!text->empty() && !more.empty()) *text += kSeparator;
  *text += more;
}

// System text goes in front of the next user message; without one it becomes a user message.
std::vector<Message> FoldSystem(const std::vector<Message>& messages) {
  std::vector<Message> folded;
  std::string pending;
  for (const Message& message : messages) {
    if (IsSystemRole(message)) {
      JoinInto(&pending, message.content);
    } else if (message.role == "user" && !pending.empty()) {
      JoinInto(&pending, message.content);
      folded.push_back({"user", std::exchange(pending, {})});
    } else {
      folded.push_back(message);
    }
  }
  if (!pending.empty()) folded.push_back({"user", pending});
  return folded;
}

std::vector<Message> JoinAdjacent(const std::vector<Message>& messages) {
  std::vector<Message> joined;
  for (const Message& message : messages) {
    if (!joined.empty() && joined.back().role == message.role) {
      JoinInto(&joined.back().content, message.content);
    } else {
      joined.push_back(message);
    }
  }
  return joined;
}

bool HoldsAll(const std::string& text, const std::vector<Message>& messages) {
  return std::all_of(messages.begin(), messages.end(), [&](const Message& message) {
    return text.find(message.content) != std::string::npos;
  });
}

}  // namespace

Status CheckMessages(const std::vector<Message>& messages) {
  if (messages.empty()) return Error{ErrorCode::kInvalidArgument, "messages", "the list is empty"};
  if (messages.size() > kMaxMessages) {
    return OutOfRange("messages", std::to_string(messages.size()),
                      "at most " + std::to_string(kMaxMessages));
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!IsRole(messages[i].role)) {
      return Error{ErrorCode::kInvalidArgument, Where(i, "role"),
                   "unknown role; allowed system, developer, user, assistant, tool"};
    }
    const std::size_t invalid = utf8::FirstInvalid(messages[i].content);
    if (invalid != std::string_view::npos) {
      return Error{ErrorCode::kInvalidArgument, Where(i, "content"),
                   "the text is not valid UTF-8 at byte " + std::to_string(invalid)};
    }
    bytes += messages[i].content.size();
  }
  if (bytes <= kMaxContentBytes) return std::nullopt;
  return OutOfRange("messages", std::to_string(bytes) + " bytes of content",
                    "at most " + std::to_string(kMaxContentBytes));
}

ChatTemplate::ChatTemplate(ChatTemplateSpec spec) : spec_(std::move(spec)) {
  auto compiled = JinjaTemplate::Compile(spec_.source);
  if (!compiled.ok()) {
    status_ = compiled.error();
    return;
  }
  template_ = std::move(*compiled);
  RenderAllowance allowance;  // shared by all test conversations
  status_ = LearnShape(&allowance);
}

Status ChatTemplate::LearnShape(RenderAllowance* allowance) {
  const std::vector<Message> probe = {{"system", "sentiric-probe-system"},
                                      {"user", "sentiric-probe-question"},
                                      {"assistant", "sentiric-probe-answer"},
                                      {"user", "sentiric-probe-followup"}};
  Status failure;
  for (const bool typed_content : {false, true}) {
    for (const bool fold_system : {false, true}) {
      Shape shape;
      shape.typed_content = typed_content;
      shape.fold_system = fold_system;
      const auto rendered = RenderShape(probe, shape, true, 0, allowance);
      if (rendered.ok() && HoldsAll(rendered->Text(), probe)) {
        shape_ = shape;
        LearnTools(allowance);
        return std::nullopt;
      }
      if (!rendered.ok() && IsTemplateLimit(rendered.error())) return rendered.error();
      if (failure.has_value()) continue;
      failure = rendered.ok() ? Error{ErrorCode::kTemplateFailed, "chat_template",
                                      "the template loses messages of a test conversation"}
                              : rendered.error();
    }
  }
  return failure;
}

// Many templates silently skip roles that they do not know.
void ChatTemplate::LearnTools(RenderAllowance* allowance) {
  const std::vector<Message> probe = {{"user", "sentiric-probe-question"},
                                      {"assistant", "sentiric-probe-answer"},
                                      {"tool", "sentiric-probe-tool"},
                                      {"user", "sentiric-probe-followup"}};
  const auto rendered = RenderShape(probe, shape_, true, 0, allowance);
  shape_.tool_as_user = !rendered.ok() || !HoldsAll(rendered->Text(), probe);
}

Result<RenderedPrompt> ChatTemplate::Render(const std::vector<Message>& messages,
                                            bool add_generation_prompt, std::time_t now) const {
  RenderAllowance allowance;
  return Render(messages, add_generation_prompt, now, &allowance);
}

Result<RenderedPrompt> ChatTemplate::Render(const std::vector<Message>& messages,
                                            bool add_generation_prompt, std::time_t now,
                                            RenderAllowance* allowance) const {
  if (Status bad = CheckMessages(messages)) return *bad;
  if (status_.has_value()) return *status_;
  Shape shape = shape_;
  auto rendered = RenderShape(messages, shape, add_generation_prompt, now, allowance);
  for (bool Shape::* change : {&Shape::join_adjacent, &Shape::fold_system, &Shape::tool_as_user}) {
    if (rendered.ok() || rendered.error().code != ErrorCode::kTemplateFailed) break;
    if (IsTemplateLimit(rendered.error())) break;
    if (shape.*change) continue;
    shape.*change = true;
    auto again = RenderShape(messages, shape, add_generation_prompt, now, allowance);
    if (again.ok()) return again;
  }
  return rendered;
}

Result<RenderedPrompt> ChatTemplate::RenderShape(const std::vector<Message>& messages,
                                                 const Shape& shape, bool add_generation_prompt,
                                                 std::time_t now,
                                                 RenderAllowance* allowance) const {
  std::vector<Message> shaped = messages;
  for (Message& message : shaped) {
    if (message.role == "developer") message.role = "system";
    if (shape.tool_as_user && message.role == "tool") message.role = "user";
  }
  if (shape.fold_system) shaped = FoldSystem(shaped);
  if (shape.join_adjacent) shaped = JoinAdjacent(shaped);
  JinjaInput input;
  input.messages = &shaped;
  input.typed_content = shape.typed_content;
  input.add_generation_prompt = add_generation_prompt;
  input.bos_token = spec_.bos_token;
  input.eos_token = spec_.eos_token;
  input.now = now;
  auto rendered = template_->Render(input, allowance);
  if (rendered.ok()) StripAffixes(&*rendered);
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
