// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/template_probe.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/template/jinja_template.h"

namespace sentiric::backend {
namespace {

constexpr const char* kTool = "sentiric_probe_tool";
constexpr const char* kKey = "sentiric_probe_key";
constexpr const char* kResult = "sentiric-probe-result";
constexpr const char* kReasoning = "sentiric-probe-reasoning";
constexpr const char* kFollowUp = "sentiric-probe-followup";

// Under the names that templates have for it.
constexpr const char* kKeepReasoning =
    R"({"enable_thinking": true, "thinking": true, "preserve_thinking": true,
        "preserved_thinking": true, "keep_reasoning": true, "keep_past_thinking": true,
        "clear_thinking": false, "drop_thinking": false, "skip_thinking": false,
        "strip_thinking": false, "truncate_history_thinking": false})";

std::string Value(int number) { return "sentiric-probe-value-" + std::to_string(number); }
std::string ResultText(int number) { return kResult + std::to_string(number); }

bool Holds(const Result<std::string>& text, const std::string& marker) {
  return text.ok() && text->find(marker) != std::string::npos;
}

bool HoldsAll(const Result<std::string>& text, const std::vector<Message>& messages) {
  return std::all_of(messages.begin(), messages.end(),
                     [&](const Message& message) { return Holds(text, message.content); });
}

// Whether a value of arguments is printed as JSON or as itself, not as Python prints a mapping and
// not as a JSON text inside a JSON text.
bool HoldsPlain(const std::string& text, const std::string& marker) {
  for (std::size_t at = text.find(marker); at != std::string::npos;
       at = text.find(marker, at + 1)) {
    const std::string_view before =
        std::string_view(text).substr(at < 2 ? 0 : at - 2, at < 2 ? at : 2);
    const bool is_repr = !before.empty() && before.back() == '\'';
    if (!is_repr && before != "\\\"") return true;
  }
  return false;
}

std::size_t CountOf(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

ToolCall Call(int number) {
  return {"call_sentiric_probe_" + std::to_string(number), kTool,
          std::string("{\"") + kKey + "\": \"" + Value(number) + "\"}"};
}

Message ResultOf(int number) {
  return {"tool", ResultText(number), "", {}, Call(number).id, kTool};
}

Prompt WithTool(std::vector<Message> messages) {
  Prompt prompt;
  prompt.messages = std::move(messages);
  prompt.tools = {{kTool, "sentiric-probe-description",
                   std::string(R"({"type": "object", "properties": {")") + kKey +
                       R"(": {"type": "string", "description": "sentiric-probe"}}})"}};
  return prompt;
}

// A question, `count` calls in one message, their results, an answer and another question.
Prompt CallTalk(int count) {
  Message calls{"assistant", ""};
  std::vector<Message> messages = {{"user", "sentiric-probe-question"}};
  for (int i = 1; i <= count; ++i) calls.tool_calls.push_back(Call(i));
  messages.push_back(std::move(calls));
  for (int i = 1; i <= count; ++i) messages.push_back(ResultOf(i));
  messages.push_back({"assistant", "sentiric-probe-answer"});
  messages.push_back({"user", kFollowUp});
  return WithTool(std::move(messages));
}

class Probe {
 public:
  Probe(const std::string& source, const ShapedRender& render) : source_(source), render_(render) {}

  // The first shape that loses no message of an ordinary conversation.
  Status LearnMessages() {
    Prompt probe;
    probe.messages = {{"system", "sentiric-probe-system"},
                      {"user", "sentiric-probe-question"},
                      {"assistant", "sentiric-probe-answer"},
                      {"user", kFollowUp}};
    Status failure;
    for (const bool typed_content : {false, true}) {
      for (const bool fold_system : {false, true}) {
        shape_.typed_content = typed_content;
        shape_.fold_system = fold_system;
        const auto text = render_(probe, shape_);
        if (HoldsAll(text, probe.messages)) return std::nullopt;
        if (!text.ok() && IsTemplateLimit(text.error())) return text.error();
        if (failure.has_value()) continue;
        failure = text.ok() ? Error{ErrorCode::kTemplateFailed, "chat_template",
                                    "the template loses messages of a test conversation"}
                            : text.error();
      }
    }
    return failure;
  }

  // Many templates silently skip roles that they do not know.
  void LearnResultsWithoutCalls() {
    Prompt probe;
    probe.messages = {{"user", "sentiric-probe-question"},
                      {"assistant", "sentiric-probe-answer"},
                      {"tool", kResult},
                      {"user", kFollowUp}};
    shape_.orphan_as_user = !HoldsAll(render_(probe, shape_), probe.messages);
  }

  void LearnTools() {
    if (!Names("tools")) return;
    for (const bool has_system : {true, false}) {
      Prompt probe = WithTool({{"user", "sentiric-probe-question"}});
      if (has_system) probe.messages.insert(probe.messages.begin(), {"system", "sentiric-probe"});
      const auto text = render_(probe, shape_);
      if (Holds(text, kTool) && Holds(text, kKey)) shape_.takes_tools = true;
    }
  }

  // The first variant that prints the call, as JSON if there is one, and its result.
  void LearnCalls() {
    if (!Names("tool_calls")) return;
    const std::size_t mentions = NamesOfTools();
    for (const bool is_strict : {true, false}) {
      for (int variant = 0; variant < kVariants; ++variant) {
        const TemplateShape shape = Variant(variant);
        const auto text = render_(CallTalk(1), shape);
        if (!ShowsCall(text, mentions, is_strict)) continue;
        shape_ = shape;
        LearnSeveralCalls();
        LearnContentBesideCalls(mentions);
        LearnFirstMessage(mentions);
        return;
      }
    }
  }

  void LearnReasoning() {
    if (!Names("reasoning_content") && !Names("thinking")) return;
    Message call{"assistant", "", kReasoning, {Call(1)}};
    const Message answer{"assistant", "sentiric-probe-answer", kReasoning};
    const Message question{"user", "sentiric-probe-question"};
    Prompt talk;
    talk.messages = {question, answer, {"user", kFollowUp}};
    Prompt kept = talk;
    kept.template_arguments = kKeepReasoning;
    const Prompt looping = WithTool({question, call, ResultOf(1)});
    for (const Prompt& probe : {talk, kept, looping}) {
      if (shape_.calls_as_text && !probe.tools.empty()) continue;
      if (Holds(render_(probe, shape_), kReasoning)) shape_.prints_reasoning = true;
    }
  }

  const TemplateShape& shape() const { return shape_; }

 private:
  static constexpr int kVariants = 16;

  bool Names(const char* name) const { return source_.find(name) != std::string::npos; }

  // Mildest first: an object for arguments, empty text, the ids as they are, results as results.
  TemplateShape Variant(int number) const {
    TemplateShape shape = shape_;
    shape.calls_as_text = false;
    shape.arguments_as_text = (number & 1) != 0;
    shape.null_content = (number & 2) != 0;
    shape.short_ids = (number & 4) != 0;
    shape.result_as_user = (number & 8) != 0;
    return shape;
  }

  // How often the tool's name is printed where nobody calls it.
  std::size_t NamesOfTools() const {
    Prompt quiet = CallTalk(1);
    quiet.messages.erase(quiet.messages.begin() + 1, quiet.messages.begin() + 3);
    const auto text = render_(quiet, shape_);
    return text.ok() ? CountOf(*text, kTool) : 0;
  }

  static bool ShowsCall(const Result<std::string>& text, std::size_t mentions, bool is_strict) {
    if (!Holds(text, kKey) || !Holds(text, ResultText(1)) || !Holds(text, kFollowUp)) return false;
    if (CountOf(*text, kTool) <= mentions) return false;
    return is_strict ? HoldsPlain(*text, Value(1)) : Holds(text, Value(1));
  }

  // Some templates print no calls where there is text.
  void LearnContentBesideCalls(std::size_t mentions) {
    Prompt probe = CallTalk(1);
    probe.messages[1].content = "sentiric-probe-beside";
    if (ShowsCall(render_(probe, shape_), mentions, false)) return;
    shape_.content_apart = true;
    shape_.content_apart = ShowsCall(render_(probe, shape_), mentions, false);
  }

  // Some templates take the first message for the user's, whoever speaks, and put tools into it.
  void LearnFirstMessage(std::size_t mentions) {
    Prompt probe = CallTalk(1);
    probe.messages.erase(probe.messages.begin());
    if (ShowsCall(render_(probe, shape_), mentions, false)) return;
    shape_.user_before_calls = true;
    shape_.user_before_calls = ShowsCall(render_(probe, shape_), mentions, false);
  }

  void LearnSeveralCalls() {
    const auto text = render_(CallTalk(2), shape_);
    shape_.single_calls = !Holds(text, Value(1)) || !Holds(text, Value(2)) ||
                          !Holds(text, ResultText(1)) || !Holds(text, ResultText(2));
  }

  const std::string& source_;
  const ShapedRender& render_;
  TemplateShape shape_;
};

}  // namespace

Result<TemplateShape> LearnTemplate(const std::string& source, const ShapedRender& render) {
  Probe probe(source, render);
  if (Status failure = probe.LearnMessages()) return *failure;
  probe.LearnResultsWithoutCalls();
  probe.LearnTools();
  probe.LearnCalls();
  probe.LearnReasoning();
  return probe.shape();
}

}  // namespace sentiric::backend
