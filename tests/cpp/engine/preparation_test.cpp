// SPDX-License-Identifier: AGPL-3.0-only
// Which threads prepare a prompt: long prompts do not hold up short ones.
#include "check.h"
#include "fakes.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

class CountingPool : public TaskPool {
 public:
  explicit CountingPool(int* count) : count_(count) {}
  void Post(std::function<void()> task, std::size_t) override {
    ++*count_;
    task();
  }

 private:
  int* const count_;
};

Prompt Conversation(std::size_t num_messages, std::size_t num_bytes) {
  Prompt prompt;
  prompt.messages.assign(num_messages, {"user", std::string(num_bytes, 'x')});
  return prompt;
}

Prompt WithTool(std::size_t num_bytes) {
  Prompt prompt = Conversation(1, 1);
  prompt.tools = {{"look", "", std::string(num_bytes, 'x')}};
  return prompt;
}

}  // namespace

TEST(Preparation, LongPromptsHaveThreadsOfTheirOwn) {
  int num_long = 0;
  const auto engine = MakeEngine({}, {}, std::make_unique<CountingPool>(&num_long));
  EXPECT(engine->Submit(TokenRequest(RandomPrompt(100, 1), 1)).ok());
  EXPECT(engine->Tokenize(std::string(60'000, 'x'), false, false).ok());
  EXPECT(engine->Detokenize(RandomPrompt(1000, 1), true).ok());
  EXPECT(engine->RenderChat(Conversation(100, 100), true).ok());
  EXPECT_EQ(num_long, 0);
  EXPECT(engine->Submit(TokenRequest(RandomPrompt(100'000, 1), 1)).ok());
  EXPECT_EQ(num_long, 1);
  EXPECT(engine->Tokenize(std::string(70'000, 'x'), false, false).ok());
  EXPECT(engine->Detokenize(RandomPrompt(100'000, 1), true).ok());
  EXPECT(engine->TokenPieces(RandomPrompt(100'000, 1)).ok());
  EXPECT(engine->RenderChat(Conversation(1, 100'000), true).ok());
  EXPECT(engine->RenderChat(Conversation(2000, 1), true).ok());
  EXPECT(engine->RenderChat(WithTool(100'000), true).ok());
  EXPECT(engine->TokenizeChat(WithTool(100'000), true).ok());
  EXPECT_EQ(num_long, 8);
}
