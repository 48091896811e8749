// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/conversation_shape.h"

#include <string>
#include <vector>

#include "check.h"

namespace sentiric::backend {
namespace {

// "role:content(calls)[name]" of each message.
std::string Shown(const std::vector<Message>& messages, const TemplateShape& shape) {
  std::string shown;
  for (const Message& message : Shaped(messages, shape)) {
    shown += message.role + ":" + message.content;
    for (const ToolCall& call : message.tool_calls) shown += "(" + call.id + " " + call.name + ")";
    if (!message.tool_call_id.empty()) shown += "<" + message.tool_call_id + ">";
    if (!message.name.empty()) shown += "[" + message.name + "]";
    shown += ";";
  }
  return shown;
}

TemplateShape WithCalls() {
  TemplateShape shape;
  shape.calls_as_text = false;
  return shape;
}

const std::vector<Message> kTalk = {
    {"user", "q"},
    {"assistant", "a", "", {{"x", "look", "{}"}, {"y", "wait", "{}"}}},
    {"tool", "2", "", {}, "y"},
    {"tool", "1", "", {}, "x"},
    {"assistant", "b"}};

TEST(ConversationShape, ResultsGetTheNameOfTheirCall) {
  EXPECT_EQ(Shown(kTalk, WithCalls()),
            "user:q;assistant:a(x look)(y wait);tool:2<y>[wait];tool:1<x>[look];assistant:b;");
}

TEST(ConversationShape, CallsWithoutIdsAreAnsweredInOrder) {
  EXPECT_EQ(Shown({{"assistant", "", "", {{"", "look", ""}, {"", "wait", ""}}},
                   {"tool", "1"},
                   {"tool", "2"}},
                  WithCalls()),
            "assistant:(call_1 look)(call_2 wait);tool:1<call_1>[look];tool:2<call_2>[wait];");
}

TEST(ConversationShape, SingleCallsAreFollowedByTheirResults) {
  TemplateShape shape = WithCalls();
  shape.single_calls = true;
  EXPECT_EQ(Shown(kTalk, shape),
            "user:q;assistant:a(x look);tool:1<x>[look];assistant:(y wait);tool:2<y>[wait];"
            "assistant:b;");
}

TEST(ConversationShape, CallsBecomeLines) {
  TemplateShape shape;
  shape.orphan_as_user = true;
  EXPECT_EQ(Shown(kTalk, shape),
            "user:q;assistant:a\n{\"name\": \"look\", \"arguments\": {}}\n{\"name\": \"wait\", "
            "\"arguments\": {}};user:2;user:1;assistant:b;");
  EXPECT_EQ(CallText({"", "a\"b", "{\"z\": 1.0, \"a\": 2}"}),
            "{\"name\": \"a\\\"b\", \"arguments\": {\"z\": 1.0, \"a\": 2}}");
  EXPECT_EQ(CallText({"", "a", "cut {\"off"}),
            "{\"name\": \"a\", \"arguments\": \"cut {\\\"off\"}");
  EXPECT_EQ(CallText({"", "a", ""}), "{\"name\": \"a\", \"arguments\": {}}");
}

TEST(ConversationShape, ShortIdsAreTheSameForCallAndResult) {
  TemplateShape shape = WithCalls();
  shape.short_ids = true;
  const std::vector<Message> shaped = Shaped(kTalk, shape);
  EXPECT_EQ(shaped[1].tool_calls[0].id, shaped[3].tool_call_id);
  EXPECT_EQ(shaped[1].tool_calls[1].id, shaped[2].tool_call_id);
  EXPECT(shaped[2].tool_call_id != shaped[3].tool_call_id);
  EXPECT_EQ(shaped[2].tool_call_id.size(), std::size_t{9});
  EXPECT_EQ(ShortId("aB3dE6gH9"), "aB3dE6gH9");
  EXPECT(ShortId("aB3dE-gH9") != "aB3dE-gH9");
}

TEST(ConversationShape, TextBesideCallsMayStandApart) {
  TemplateShape shape = WithCalls();
  shape.content_apart = true;
  EXPECT_EQ(Shown(kTalk, shape),
            "user:q;assistant:a;assistant:(x look)(y wait);tool:2<y>[wait];tool:1<x>[look];"
            "assistant:b;");
}

TEST(ConversationShape, AdjacentMessagesJoinExceptResultsAndCalls) {
  TemplateShape shape = WithCalls();
  shape.join_adjacent = true;
  EXPECT_EQ(Shown({{"user", "a"}, {"user", "b"}, {"tool", "c"}, {"tool", "d"}}, shape),
            "user:a\n\nb;tool:c;tool:d;");
  EXPECT_EQ(Shown({{"assistant", "a", "", {{"x", "look", "{}"}}}, {"assistant", "b"}}, shape),
            "assistant:a(x look);assistant:b;");
}

TEST(ConversationShape, AUserMaySpeakFirst) {
  TemplateShape shape = WithCalls();
  shape.user_first = true;
  EXPECT_EQ(Shown({{"system", "s"}, {"assistant", "a"}}, shape), "system:s;user:\n;assistant:a;");
  EXPECT_EQ(Shown({{"user", "u"}, {"assistant", "a"}}, shape), "user:u;assistant:a;");
}

}  // namespace
}  // namespace sentiric::backend
