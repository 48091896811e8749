// SPDX-License-Identifier: AGPL-3.0-only
// Prefixes, preemption, classes and tenants, step by step on a loop without a thread.
#include <random>
#include <set>

#include "check.h"
#include "fakes.h"
#include "host/disk_store.h"
#include "stepper.h"
#include "temp_folder.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

std::vector<Token> Join(std::vector<Token> a, const std::vector<Token>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string AloneText(FakeModel model, const Request& request) {
  LoopConfig config = ConfigOf({});
  config.prefix.is_enabled = false;
  model.cells = 1 << 20;
  Stepper solo(model, config);
  const RequestId id = solo.Add(request);
  solo.Finish();
  return solo.outcomes[id].text;
}

FakeModel Model(std::int32_t contexts, std::int32_t context_size) {
  FakeModel model;
  model.contexts = contexts;
  model.context_size = context_size;
  return model;
}

LoopConfig Exact(std::uint64_t host_bytes) {
  LoopConfig config = ConfigOf({});
  config.prefix.is_exact = true;
  config.prefix.min_copy = 4;
  config.prefix.host_bytes = host_bytes;
  return config;
}

}  // namespace

TEST(Sharing, EightAtOnceComputeTheirPrefixOnce) {
  const FakeModel model = Model(8, 2048);
  Stepper stepper(model);
  const std::vector<Token> head = RandomPrompt(1200, 1);
  std::vector<RequestId> ids;
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < 8; ++i) {
    requests.push_back(TokenRequest(Join(head, RandomPrompt(20, 100 + i)), 16));
    ids.push_back(stepper.Add(requests.back()));
  }
  EXPECT(stepper.Finish());
  EXPECT(stepper.stats().prompt_tokens <= 1200 + 8 * 20 + 64);
  EXPECT(stepper.stats().cached_tokens >= 7 * 1200 - 64);
  std::int64_t cached = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(stepper.outcomes[ids[i]].text, AloneText(model, requests[i]));
    const Timings& timings = stepper.FinalOf(ids[i]).timings;
    EXPECT_EQ(timings.cache_n + timings.prompt_n, 1220);
    cached += timings.cache_n;
  }
  EXPECT_EQ(static_cast<std::uint64_t>(cached), stepper.stats().cached_tokens);
}

// In a unified cache a shift would move the cells of all that have them.
TEST(Sharing, AShiftMovesNoCellOfAnother) {
  FakeModel model = Model(3, 256);
  model.shares_cells = model.mixes_rows = true;
  model.moved_for_others = std::make_shared<int>(0);
  LoopConfig config = ConfigOf({});
  config.scheduler.mixes_rows = true;
  Stepper stepper(model, config);
  const std::vector<Token> head = RandomPrompt(200, 1);
  const auto turn = [&](std::uint32_t seed, std::int32_t count) {
    return stepper.Add(TokenRequest(Join(head, RandomPrompt(10, seed)), count));
  };
  const RequestId cached = turn(10, 8);
  EXPECT(stepper.Finish());
  const RequestId shifted = turn(11, 200), beside = turn(12, 40);
  EXPECT(stepper.Finish());
  EXPECT(stepper.FinalOf(shifted).completion_tokens == 200);
  EXPECT(stepper.stats().shifts > 0);
  EXPECT_EQ(*model.moved_for_others, 0);
  EXPECT(stepper.HasEnded(cached) && stepper.HasEnded(beside));
}

TEST(Sharing, TheFirstOfManyIsCancelledAndTheOthersGoOn) {
  const FakeModel model = Model(4, 512);
  Stepper stepper(model);
  const std::vector<Token> head = RandomPrompt(200, 1);
  std::vector<RequestId> ids;
  for (std::uint32_t i = 0; i < 4; ++i) {
    ids.push_back(stepper.Add(TokenRequest(Join(head, RandomPrompt(8, 50 + i)), 8)));
  }
  for (int i = 0; i < 5; ++i) stepper.Step();
  stepper.Cancel(ids[0]);
  EXPECT(stepper.Finish());
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(
        stepper.outcomes[ids[i]].text,
        AloneText(model, TokenRequest(
                             Join(head, RandomPrompt(8, 50 + static_cast<std::uint32_t>(i))), 8)));
  }
  EXPECT(stepper.stats().prompt_tokens <= 200 + 4 * 8 + 64);
}

TEST(Sharing, AConversationPaysForItsNewTurnOnly) {
  Stepper stepper(Model(4, 1024));
  std::vector<Token> talk = RandomPrompt(60, 1);
  for (std::uint32_t turn = 0; turn < 6; ++turn) {
    const RequestId id = stepper.Add(TokenRequest(talk, 10));
    EXPECT(stepper.Finish());
    const std::int32_t cached = stepper.FinalOf(id).timings.cache_n;
    if (turn > 0) EXPECT_EQ(cached, static_cast<std::int32_t>(talk.size()) - 12 - 1);
    for (const char c : stepper.outcomes[id].text) talk.push_back(c - '0');
    talk = Join(talk, RandomPrompt(12, 200 + turn));
  }
}

TEST(Sharing, MoreConversationsThanContextsComeBackFromHostMemory) {
  LoopConfig config = ConfigOf({});
  config.prefix.host_bytes = 1 << 20;
  Stepper stepper(Model(2, 512), config);
  for (int turn = 0; turn < 3; ++turn) {
    for (std::uint32_t talk = 0; talk < 6; ++talk) {
      std::vector<Token> tokens = RandomPrompt(100, talk);
      for (int i = 0; i < turn; ++i) tokens = Join(tokens, RandomPrompt(10, 1000 + talk));
      const RequestId id = stepper.Add(TokenRequest(tokens, 2));
      EXPECT(stepper.Finish());
      // A state that adds less than min_copy to a stored one is not worth storing.
      const std::int32_t least = 100 + 10 * (turn - 1) - config.prefix.min_copy;
      if (turn > 0) EXPECT(stepper.FinalOf(id).timings.cache_n >= least);
    }
  }
  EXPECT(stepper.stats().prefix_hits_host >= 10);
}

TEST(Sharing, ModelsThatCannotCutStartAtTheLastCheckpoint) {
  FakeModel model = Model(2, 512);
  model.can_cut = false;
  LoopConfig config = ConfigOf({});
  config.prefix.host_bytes = 1 << 20;
  Stepper stepper(model, config);
  const std::vector<Token> head = RandomPrompt(200, 1);
  for (std::uint32_t i = 0; i < 6; ++i) {
    const Request request = TokenRequest(Join(head, RandomPrompt(30, 100 + i)), 8);
    const RequestId id = stepper.Add(request);
    EXPECT(stepper.Finish());
    EXPECT_EQ(stepper.outcomes[id].text, AloneText(model, request));
    // The first knows nothing yet; the second learns where they diverge.
    EXPECT_EQ(stepper.FinalOf(id).timings.cache_n, i < 2 ? 0 : 200);
  }
  EXPECT_EQ(stepper.stats().prompt_tokens, 2 * 230u + 4 * 30);
  EXPECT(stepper.stats().prefix_checkpoints >= 1);
  EXPECT_EQ(stepper.num_unsound(), 0);
}

TEST(Sharing, AnEngineThatStartsAgainFindsItsSystemPrompt) {
  const TempFolder folder;
  const FakeModel model = Model(2, 512);
  const DiskConfig disk{folder.path() + "/states", 1 << 20, "model"};
  const std::vector<Token> head = RandomPrompt(200, 1);
  for (std::uint32_t process = 0; process < 2; ++process) {
    Stepper stepper(model, ConfigOf({}), 64, std::make_unique<DiskStore>(disk));
    for (std::uint32_t i = 0; i < 2; ++i) {
      const Request request = TokenRequest(Join(head, RandomPrompt(9, 10 * process + i)), 8);
      const RequestId id = stepper.Add(request);
      EXPECT(stepper.Finish());
      EXPECT_EQ(stepper.outcomes[id].text, AloneText(model, request));
    }
    EXPECT_EQ(stepper.stats().prompt_tokens, 200u * (1 - process) + 2 * 9);
    EXPECT_EQ(stepper.stats().prefix_hits_disk, process);
    stepper.Shutdown();
    EXPECT_EQ(stepper.stats().disk_cache_saves, 1u - process);
  }
}

TEST(Sharing, ScopesOfTenantsShareNothing) {
  Stepper stepper(Model(4, 256));
  const std::vector<Token> prompt = RandomPrompt(100, 1);
  for (const char* tenant : {"a", "b", "a"}) {
    Request request = TokenRequest(prompt, 2);
    request.cache_scope = tenant;
    const RequestId id = stepper.Add(request);
    EXPECT(stepper.Finish());
    EXPECT_EQ(stepper.FinalOf(id).timings.cache_n > 0, id == 3);
  }
}

TEST(Sharing, RealtimeTakesTheContextOfBatchAndBothFinish) {
  const FakeModel model = Model(2, 256);
  Stepper stepper(model);
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < 2; ++i) {
    requests.push_back(TokenRequest(RandomPrompt(20, i), 60));
    requests.back().priority = Priority::kBatch;
    stepper.Add(requests.back());
  }
  for (int i = 0; i < 20; ++i) stepper.Step();
  requests.push_back(TokenRequest(RandomPrompt(8, 9), 4));
  requests.back().priority = Priority::kRealtime;
  const RequestId urgent = stepper.Add(requests.back());
  const int before = stepper.num_steps();
  while (!stepper.HasEnded(urgent)) stepper.Step();
  EXPECT(stepper.num_steps() - before < 12);
  EXPECT(stepper.Finish());
  EXPECT_EQ(stepper.stats().preemptions, 1u);
  EXPECT_EQ(stepper.stats().resumes, 1u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(stepper.outcomes[static_cast<RequestId>(i + 1)].text, AloneText(model, requests[i]));
  }
}

TEST(Sharing, APreemptedSequenceCanBeCancelledAndKeepsItsText) {
  Stepper stepper(Model(1, 256));
  Request batch = TokenRequest(RandomPrompt(8, 1), 100);
  batch.priority = Priority::kBatch;
  const RequestId preempted = stepper.Add(batch);
  for (int i = 0; i < 10; ++i) stepper.Step();
  Request urgent = TokenRequest(RandomPrompt(8, 2), 50);
  urgent.priority = Priority::kRealtime;
  stepper.Add(urgent);
  for (int i = 0; i < 3; ++i) stepper.Step();
  const std::string text = stepper.outcomes[preempted].text;
  EXPECT(!text.empty());
  stepper.Cancel(preempted);
  stepper.Step();
  EXPECT(stepper.HasEnded(preempted));
  EXPECT(stepper.FinalOf(preempted).finish_reason == FinishReason::kCancelled);
  EXPECT_EQ(stepper.FinalOf(preempted).completion_tokens, static_cast<std::int32_t>(text.size()));
  EXPECT(stepper.Finish());
}

// Running streams wait for copies, too: their time reduces the prompt tokens of the step.
TEST(Sharing, ASlowCopyLeavesLittleOfTheStepForPrompts) {
  const auto budget_beside = [](std::chrono::milliseconds copy_time) {
    FakeModel model = Model(2, 1024);
    model.copy_time = copy_time;
    LoopConfig config = ConfigOf({});
    config.busy_chunk = 0;
    config.itl_slo_ms = 200;
    config.scheduler.idle_chunk = 64;
    Stepper stepper(model, config);
    std::vector<Token> prompt = RandomPrompt(200, 1);
    stepper.Add(TokenRequest(prompt, 500));
    for (int i = 0; i < 20; ++i) stepper.Step();
    const std::vector<Token> other = RandomPrompt(300, 2);
    prompt.insert(prompt.end(), other.begin(), other.end());
    stepper.Add(TokenRequest(prompt, 5));
    stepper.Step();
    EXPECT_EQ(stepper.stats().prefix_copies, 1u);
    return stepper.stats().prefill_budget;
  };
  const std::int32_t slow = budget_beside(std::chrono::milliseconds(250));
  EXPECT_EQ(slow, 16);
  EXPECT(budget_beside(std::chrono::milliseconds(0)) > slow);
}

// Steps until the other tenant's requests answer, alone and next to a flood of 200. Their prompts
// fit into one step, so the rest is waiting.
TEST(Sharing, AFloodLeavesAnotherTenantItsIdleWait) {
  const auto wait_of_b = [](int flood) {
    LoopConfig config = ConfigOf({});
    config.busy_chunk = config.scheduler.idle_chunk = 64;
    Stepper stepper(Model(4, 256), config);
    for (int i = 0; i < flood; ++i) {
      Request request = TokenRequest(RandomPrompt(20, static_cast<std::uint32_t>(i)), 40);
      request.tenant = "a";
      stepper.Add(request);
    }
    for (int i = 0; i < 30; ++i) stepper.Step();
    int worst = 0;
    for (std::uint32_t i = 0; i < 10; ++i) {
      Request request = TokenRequest(RandomPrompt(8, 5000 + i), 5);
      request.tenant = "b";
      const RequestId id = stepper.Add(request);
      const int before = stepper.num_steps();
      while (!stepper.HasEnded(id)) stepper.Step();
      worst = std::max(worst, stepper.first_step[id] - before);
    }
    EXPECT(stepper.Finish());
    EXPECT_EQ(stepper.outcomes.size(), static_cast<std::size_t>(flood) + 10);
    return worst;
  };
  const int idle = wait_of_b(0), flooded = wait_of_b(200);
  EXPECT(flooded <= 2 * idle);
}

TEST(Sharing, AnOversubscribedCacheFinishesEverything) {
  FakeModel model = Model(12, 128);
  model.sequences = 48;
  model.shares_cells = model.mixes_rows = true;
  model.cells = 12 * 128 / 3 / 2;  // a sixth of what they want in the end
  LoopConfig config = ConfigOf({});
  config.scheduler.mixes_rows = true;
  Stepper stepper(model, config);
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < 36; ++i) {
    requests.push_back(TokenRequest(RandomPrompt(20, i), 80));
    stepper.Add(requests.back());
  }
  EXPECT(stepper.Finish());
  EXPECT(stepper.stats().preemptions > 0);
  EXPECT_EQ(stepper.stats().requests_failed, 0u);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(stepper.outcomes[static_cast<RequestId>(i + 1)].text, AloneText(model, requests[i]));
  }
  EXPECT_EQ(stepper.num_unsound(), 0);
}

TEST(Sharing, WaitingPromptTokensAreBounded) {
  LoopConfig config = ConfigOf({});
  config.queue_tokens = 100;
  Stepper stepper(Model(1, 128), config);
  for (std::uint32_t i = 0; i < 6; ++i) stepper.Add(TokenRequest(RandomPrompt(30, i), 2));
  EXPECT(stepper.Finish());
  int refused = 0;
  for (auto& [id, outcome] : stepper.outcomes) {
    refused += outcome.final->error && outcome.final->error->code == ErrorCode::kOverloaded;
  }
  EXPECT_EQ(refused, 3);
}

TEST(Sharing, NoLimitOfTheQueueRefusesWhatWasAdmittedBefore) {
  LoopConfig config = ConfigOf({});
  config.queue_tokens = 100;
  Stepper stepper(Model(1, 128), config);
  for (std::uint32_t i = 0; i < 6; ++i) {
    Request request = TokenRequest(RandomPrompt(30, i), 2);
    request.resumed = true;
    stepper.Add(std::move(request));
  }
  EXPECT(stepper.Finish());
  for (auto& [id, outcome] : stepper.outcomes) EXPECT(!outcome.final->error);
}

TEST(Sharing, AdaptersRunSideBySideAndShareNoPrefix) {
  const FakeModel model = Model(4, 128);
  Stepper stepper(model);
  const std::vector<Token> prompt = RandomPrompt(30, 1);
  std::vector<Request> requests;
  for (const char* name : {"", "a", "b", "a", "", "b"}) {
    requests.push_back(TokenRequest(prompt, 12));
    if (*name != 0) requests.back().adapters = {{name, 1.0f}};
    stepper.Add(requests.back());
  }
  requests.push_back(TokenRequest(prompt, 12));
  requests.back().adapters = {{"a", 0.5f}};
  stepper.Add(requests.back());
  EXPECT(stepper.Finish());
  std::set<std::string> texts;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::string& text = stepper.outcomes[static_cast<RequestId>(i + 1)].text;
    EXPECT_EQ(text, AloneText(model, requests[i]));
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), 4u);                        // the model alone, a, b, half of a
  EXPECT_EQ(stepper.stats().cached_tokens, 3 * 28u);  // the second of each three
}

TEST(Sharing, AMissingAdapterIsAnErrorAndNeverTheModelAlone) {
  Stepper stepper(Model(2, 64));
  Request request = TokenRequest(RandomPrompt(8, 1), 4);
  request.adapters = {{"missing", 1.0f}};
  const RequestId id = stepper.Add(request);
  EXPECT(stepper.Finish());
  ASSERT(stepper.FinalOf(id).error.has_value());
  EXPECT(stepper.FinalOf(id).error->code == ErrorCode::kModelNotFound);
  EXPECT(stepper.outcomes[id].text.empty());
}

namespace {

// One random run against a decoder whose cells differ by how they were computed: any cell that was
// not computed as in a solo run changes the text.
void TestRandomSchedule(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto pick = [&](std::uint32_t low, std::uint32_t high) {
    return low + random() % (high - low + 1);
  };
  FakeModel model = Model(static_cast<std::int32_t>(pick(1, 5)), 96);
  model.rounds = true;
  model.can_cut = pick(0, 2) > 0;
  LoopConfig config = Exact(pick(0, 1) * pick(200, 4000));
  config.busy_chunk = static_cast<std::int32_t>(pick(2, 20));
  config.scheduler.idle_chunk = static_cast<std::int32_t>(pick(2, 40));
  Stepper stepper(model, config);
  std::map<RequestId, Request> requests;
  for (auto n = pick(3, 12); n > 0; --n) {
    const std::vector<Token> head =
        RandomPrompt(static_cast<std::int32_t>(pick(2, 40)), pick(1, 3));
    Request request =
        TokenRequest(Join(head, RandomPrompt(static_cast<std::int32_t>(pick(0, 6)), pick(1, 4))),
                     static_cast<std::int32_t>(pick(1, 24)));
    request.priority = static_cast<Priority>(pick(0, 2));
    request.tenant = std::string(1, static_cast<char>('a' + pick(0, 2)));
    if (pick(0, 3) == 0) request.adapters = {{request.tenant, 1.0f}};
    if (pick(0, 2) == 0) request.grammar.kind = GrammarSpec::Kind::kJsonObject;
    requests[stepper.Add(request)] = request;
    for (auto steps = pick(0, 8); steps > 0; --steps) stepper.Step();
    if (pick(0, 5) == 0)
      stepper.Cancel(static_cast<RequestId>(pick(1, static_cast<std::uint32_t>(requests.size()))));
  }
  ASSERT(stepper.Finish());
  EXPECT_EQ(stepper.num_unsound(), 0);
  for (const auto& [id, request] : requests) {
    const std::string solo = AloneText(model, request);
    const Outcome& outcome = stepper.outcomes.at(id);
    const bool is_whole = outcome.final->finish_reason == FinishReason::kLength;
    EXPECT_EQ(outcome.text, is_whole ? solo : solo.substr(0, outcome.text.size()));
  }
}

}  // namespace

// SENTIRIC_SCHEDULES=10000 is the nightly size.
TEST(Sharing, RandomSchedulesChangeNoToken) {
  const char* size = std::getenv("SENTIRIC_SCHEDULES");
  const auto schedules = static_cast<std::uint32_t>(size == nullptr ? 300 : std::atoi(size));
  for (std::uint32_t seed = 0; seed < schedules; ++seed) TestRandomSchedule(seed);
}
