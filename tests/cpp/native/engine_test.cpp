// SPDX-License-Identifier: AGPL-3.0-only
// The whole engine over llama.cpp, without Python: what the sanitizers get to see.
#include <fstream>
#include <map>

#include "check.h"
#include "guide.h"
#include "sentiric/log.h"
#include "sentiric/version.h"
#include "temp_folder.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

Request Ask(const std::string& question, const std::string& system = "") {
  Request request;
  if (!system.empty()) request.prompt.messages.push_back({"system", system});
  request.prompt.messages.push_back({"user", question});
  request.sampling.temperature = 0;
  request.sampling.repeat_penalty = 1;
  request.max_tokens = 60;
  return request;
}

std::map<RequestId, std::pair<std::string, Final>> Collect(Engine* engine, std::size_t count) {
  std::map<RequestId, std::pair<std::string, Final>> outcomes;
  std::size_t ended = 0;
  while (ended < count) {
    std::vector<Event> events;
    if (!engine->WaitEvents(&events, std::chrono::milliseconds(1000))) break;
    for (const Event& event : events) {
      outcomes[event.request].first += event.text;
      if (!event.final) continue;
      outcomes[event.request].second = *event.final;
      ++ended;
    }
  }
  return outcomes;
}

}  // namespace

TEST(Engine, AnswersSeveralConversationsAtOnce) {
  auto engine = std::move(Engine::Open(GuideConfig(3))).value();
  const RequestId port = *engine->Submit(Ask("Which port does HTTP use?"));
  const RequestId code = *engine->Submit(Ask("What is the door code?", "The door code is 4172."));
  Request schema = Ask("Who are you?");
  schema.grammar = {
      GrammarSpec::Kind::kJsonSchema,
      R"({"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]})"};
  const RequestId json = *engine->Submit(schema);
  Request bad = Ask("x");
  bad.grammar = {GrammarSpec::Kind::kGbnf, "root ::= ("};
  const RequestId refused = *engine->Submit(bad);
  auto outcomes = Collect(engine.get(), 4);
  EXPECT(outcomes[port].first.find("16070") != std::string::npos);
  EXPECT(outcomes[code].first.find("4172") != std::string::npos);
  EXPECT(outcomes[json].first.find("\"ok\"") != std::string::npos);
  ASSERT(outcomes[refused].second.error.has_value());
  EXPECT_EQ(outcomes[refused].second.error->code, ErrorCode::kInvalidGrammar);
  EXPECT_EQ(engine->capacity().active, 0);
}

TEST(Engine, GeneratesFarBeyondItsContext) {
  auto engine = std::move(Engine::Open(GuideConfig(1, 128))).value();
  Request request = Ask("Hello", "The door code is 4172.");
  request.ignore_eos = true;
  request.max_tokens = 128 * 4;
  const RequestId id = *engine->Submit(request);
  auto outcomes = Collect(engine.get(), 1);
  EXPECT_EQ(outcomes[id].second.finish_reason, FinishReason::kLength);
  EXPECT_EQ(outcomes[id].second.completion_tokens, 128 * 4);
  EXPECT(engine->stats().shifted_tokens >= 128u * 3);
}

TEST(Engine, CancelsAndClosesInTheMiddle) {
  auto engine = std::move(Engine::Open(GuideConfig(2))).value();
  Request endless = Ask("Hello");
  endless.ignore_eos = true;
  endless.max_tokens = 1 << 20;
  const RequestId cancelled = *engine->Submit(endless);
  for (int i = 0; i < 4; ++i) EXPECT(engine->Submit(endless).ok());
  std::vector<Event> events;
  engine->WaitEvents(&events, std::chrono::milliseconds(1000));
  engine->Cancel(cancelled);
  auto outcomes = Collect(engine.get(), 1);
  EXPECT_EQ(outcomes[cancelled].second.finish_reason, FinishReason::kCancelled);
  engine->Close();
  outcomes = Collect(engine.get(), 4);
  EXPECT(engine->Embed({1, 2, 3}).error().code == ErrorCode::kUnavailable);
}

TEST(Engine, EvaluatesWholeInputs) {
  auto engine = std::move(Engine::Open(GuideConfig())).value();
  const auto tokens = engine->Tokenize("The door code is 4172.", false, false);
  ASSERT(tokens.ok());
  const auto logits = engine->Logits(*tokens);
  ASSERT(logits.ok());
  EXPECT_EQ(logits->size(), tokens->size() * static_cast<std::size_t>(engine->info().num_vocab));
  const auto embedding = engine->Embed(*tokens);
  ASSERT(embedding.ok());
  EXPECT_EQ(embedding->size(), static_cast<std::size_t>(engine->info().num_embd));
  EXPECT_EQ(engine->Logits({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine->Logits({1 << 20}).error().code, ErrorCode::kInvalidArgument);
}

TEST(Engine, SaysWhyItCannotOpen) {
  EngineConfig config = GuideConfig();
  config.model_path = "no/such/file.gguf";
  EXPECT_EQ(Engine::Open(config).error().code, ErrorCode::kModelNotFound);
  const TempFolder folder;
  config.model_path = folder.path() + "/text.gguf";
  std::ofstream(config.model_path) << "no model";
  EXPECT_EQ(Engine::Open(config).error().code, ErrorCode::kModelInvalid);
  config = GuideConfig();
  config.contexts = 0;
  EXPECT_EQ(Engine::Open(config).error().where, "contexts");
  config = GuideConfig();
  config.chat_template = "{{ broken";
  EXPECT_EQ(Engine::Open(config).error().code, ErrorCode::kTemplateFailed);
  EXPECT(!GetBuildInfo().llama_commit.empty());
  EXPECT(!TakeLogLines().empty());
}
