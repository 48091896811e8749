// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/scheduler.h"

#include <algorithm>

#include "check.h"

using namespace sentiric;

namespace {

std::vector<Token> TokensOf(std::int32_t size) {
  return std::vector<Token>(static_cast<std::size_t>(size), 7);
}

const std::vector<Token> kRunning = {10, 11, 12};
const SequenceView kStream{2, &kRunning, 2, 2, 0, Priority::kNormal};

SequenceView Prefill(SeqId seq, const std::vector<Token>& prompt, std::uint64_t waited = 0,
                     Priority priority = Priority::kNormal) {
  return {seq, &prompt, 0, static_cast<std::int32_t>(prompt.size()), waited, priority};
}

SchedulerConfig Config(std::int32_t idle_chunk, bool mixes_rows = false) {
  SchedulerConfig config;
  config.max_batch = 64;
  config.idle_chunk = idle_chunk;
  config.mixes_rows = mixes_rows;
  return config;
}

SeqId FirstPrompt(const std::vector<SequenceView>& views, std::uint64_t step = 0) {
  return Scheduler::Prompts(views, step).front()->seq;
}

}  // namespace

TEST(Scheduler, TheGoldenPlan) {
  const Scheduler scheduler(Config(6));
  const std::vector<Token> prompt = {20, 21, 22, 23, 24};
  const SequenceView prefill = Prefill(0, prompt);
  // Alone, the whole prompt goes in one call; its last row gives logits.
  EXPECT(scheduler.Plan({prefill}, 0, {4, 0}) == (BatchPlan{{{{0, 0, 20, false},
                                                              {0, 1, 21, false},
                                                              {0, 2, 22, false},
                                                              {0, 3, 23, false},
                                                              {0, 4, 24, true}}}}));
  // Beside a stream the row of the stream comes first; a single token is never left over.
  EXPECT(
      scheduler.Plan({prefill, kStream}, 0, {4, 0}) ==
      (BatchPlan{{{{2, 2, 12, true}}, {{0, 0, 20, false}, {0, 1, 21, false}, {0, 2, 22, false}}}}));
  EXPECT(scheduler.Plan({}, 0, {4, 0}) == BatchPlan{});
}

TEST(Scheduler, WhereRowsMixAStepIsOneCall) {
  const Scheduler scheduler(Config(6, true));
  const std::vector<Token> a = TokensOf(5), b = TokensOf(9);
  EXPECT_EQ(scheduler.Plan({Prefill(0, a), Prefill(1, b)}, 0, {4, 0}).batches.size(), 1u);
  const BatchPlan busy = scheduler.Plan({Prefill(0, a), Prefill(1, b), kStream}, 0, {8, 0});
  ASSERT(busy.batches.size() == 1);
  EXPECT_EQ(busy.num_rows(), 1u + 8u);
}

TEST(Scheduler, ARunIsACallOfItsOwnUnlessRowsMix) {
  const std::vector<Token> a = {10, 11, 12, 13, 14};
  SequenceView run{0, &a, 2, 2, 0, Priority::kNormal};
  run.run = 3;
  const Batch rows = {{0, 2, 12, false}, {0, 3, 13, false}, {0, 4, 14, true}};
  const Row stream = {2, 2, 12, true};
  EXPECT(Scheduler(Config(6)).Plan({run, kStream}, 0, {4, 0}) == (BatchPlan{{{stream}, rows}}));
  EXPECT(Scheduler(Config(6, true)).Plan({run, kStream}, 0, {4, 0}) ==
         (BatchPlan{{{rows[0], rows[1], rows[2], stream}}}));
  SchedulerConfig small = Config(2, true);
  small.max_batch = 3;
  EXPECT(Scheduler(small).Plan({run, kStream}, 0, {4, 0}) == (BatchPlan{{{stream}, rows}}));
}

// The same bits, and the others do not wait for another call.
TEST(Scheduler, AShortRunGoesTokenByTokenBesideOtherStreams) {
  const std::vector<Token> a = {10, 11, 12, 13, 14};
  SequenceView run{0, &a, 2, 2, 0, Priority::kNormal};
  run.run = 3;
  const Batch rows = {{0, 2, 12, false}, {0, 3, 13, false}, {0, 4, 14, true}};
  const Row stream = {2, 2, 12, true};
  SchedulerConfig config = Config(6);
  config.can_recut = true;
  const Scheduler scheduler(config);
  EXPECT(scheduler.Plan({run, kStream}, 0, {0, 3}) == (BatchPlan{{{rows[0], stream}}}));
  EXPECT(scheduler.Plan({run, kStream}, 0, {0, 2}) == (BatchPlan{{{stream}, rows}}));
  EXPECT(scheduler.Plan({run}, 0, {0, 3}) == BatchPlan{{rows}});
  EXPECT(Scheduler(Config(6)).Plan({run, kStream}, 0, {0, 3}) == (BatchPlan{{{stream}, rows}}));
  const std::vector<Token> draft = {15};
  run.draft = &draft;  // its rows verify each other
  EXPECT_EQ(scheduler.Plan({run, kStream}, 0, {0, 3}).batches.size(), 2u);
}

TEST(Scheduler, ABatchIsNeverLargerThanTheDecoderTakes) {
  const Scheduler scheduler(Config(60, true));
  const std::vector<Token> a = TokensOf(100), b = TokensOf(100);
  for (const std::int32_t budget : {16, 64, 1 << 16}) {
    for (const Batch& batch :
         scheduler.Plan({Prefill(0, a), Prefill(1, b), kStream}, 0, {budget, 0}).batches)
      EXPECT(batch.size() <= 64);
  }
}

TEST(Scheduler, AScoredPromptHasCallsOfItsOwnWithLogitsInEachRow) {
  for (const bool mixes : {false, true}) {
    SchedulerConfig config = Config(60, mixes);
    config.max_outputs = 5;
    const Scheduler scheduler(config);
    const std::vector<Token> prompt = TokensOf(13), other = TokensOf(40);
    SequenceView scored = Prefill(0, prompt);
    scored.scored_from = 3;
    while (scored.is_prefilling()) {
      const BatchPlan plan = scheduler.Plan({scored, Prefill(1, other), kStream}, 0, {64, 0});
      const auto own = std::find_if(plan.batches.begin(), plan.batches.end(),
                                    [](const Batch& batch) { return batch.front().seq == 0; });
      ASSERT(own != plan.batches.end());
      EXPECT(own->size() >= 2 && own->size() <= 5);
      for (const Row& row : *own) {
        EXPECT_EQ(row.seq, 0);
        EXPECT_EQ(row.wants_logits, row.pos >= 3);
      }
      scored.evaluated += static_cast<std::int32_t>(own->size());
    }
    EXPECT_EQ(scored.evaluated, 13);
  }
}

TEST(Scheduler, APromptIsNeverCutToASingleToken) {
  for (std::int32_t size = 2; size < 60; ++size) {
    for (const std::int32_t chunk : {2, 3, 4, 5, 16}) {
      const Scheduler scheduler(Config(512));
      const std::vector<Token> prompt = TokensOf(size);
      SequenceView view = Prefill(0, prompt);
      while (view.is_prefilling()) {
        const BatchPlan plan = scheduler.Plan({view, kStream}, 0, {chunk, 0});
        EXPECT(plan.batches[1].size() >= 2);
        view.evaluated += static_cast<std::int32_t>(plan.batches[1].size());
      }
    }
  }
}

TEST(Scheduler, TheShortPromptGoesFirst) {
  const std::vector<Token> a = TokensOf(100), b = TokensOf(20);
  EXPECT_EQ(FirstPrompt({Prefill(0, a), Prefill(1, b)}), 1);
}

TEST(Scheduler, TheBetterClassGoesFirst) {
  const std::vector<Token> a = TokensOf(100), b = TokensOf(20);
  EXPECT_EQ(FirstPrompt({Prefill(0, a, 0, Priority::kRealtime), Prefill(1, b)}), 0);
}

TEST(Scheduler, NoPromptStarves) {
  // A new short prompt in every step; every kOldestTurn-th serves the long one.
  const std::vector<Token> a = TokensOf(4000), b = TokensOf(20);
  std::uint64_t waited = 0, served = 0;
  for (std::uint64_t step = 0; step < 20 * Scheduler::kOldestTurn; ++step) {
    const bool is_first = FirstPrompt({Prefill(0, a, ++waited), Prefill(1, b)}, step) == 0;
    served += is_first ? 1 : 0;
    if (is_first) waited = 0;
  }
  EXPECT_EQ(served, 20u);
}

TEST(Scheduler, PromptsAlikeAreServedOneAfterTheOther) {
  const std::vector<Token> prompt = TokensOf(40);
  std::vector<SequenceView> views = {kStream};
  for (SeqId seq = 10; seq < 16; ++seq) views.push_back(Prefill(seq, prompt));
  const Scheduler scheduler(Config(64));
  int num_calls = 0;
  for (std::uint64_t step = 0; views.size() > 1; ++step) {
    const BatchPlan plan = scheduler.Plan(views, step, {20, 0});
    ASSERT(plan.batches.size() > 1);
    num_calls += static_cast<int>(plan.batches.size()) - 1;
    for (SequenceView& view : views) ++view.waited;
    for (std::size_t i = 1; i < plan.batches.size(); ++i) {
      const auto view = std::find_if(views.begin(), views.end(), [&](const SequenceView& each) {
        return each.seq == plan.batches[i].front().seq;
      });
      view->evaluated += static_cast<std::int32_t>(plan.batches[i].size());
      view->waited = 0;
      if (!view->is_prefilling()) views.erase(view);
    }
  }
  EXPECT_EQ(num_calls, 6 * 2);  // served in turns each would be cut into many small calls
}

TEST(Scheduler, WithCallsOfTheirOwnLaterPromptsDoNotHoldUpTheFirst) {
  const Scheduler scheduler(Config(60));
  const std::vector<Token> a = TokensOf(50), b = TokensOf(52), c = TokensOf(6), d = TokensOf(7);
  // The first goes whole although nothing runs yet; it answers before the next one begins.
  EXPECT_EQ(scheduler.Plan({Prefill(0, a), Prefill(1, b)}, 0, {20, 0}).batches.size(), 1u);
  // Small ones go together as long as they and their calls fit.
  EXPECT_EQ(scheduler.Plan({Prefill(0, c), Prefill(1, d)}, 0, {20, 3}).batches.size(), 2u);
  EXPECT_EQ(scheduler.Plan({Prefill(0, c), Prefill(1, d)}, 0, {20, 13}).batches.size(), 1u);
}

TEST(Scheduler, AChunkEndsWhereItsStateIsKept) {
  const std::vector<Token> prompt = TokensOf(40);
  SequenceView view = Prefill(0, prompt);
  view.stop = 25;
  std::vector<std::size_t> sizes;
  while (view.is_prefilling()) {
    const BatchPlan plan = Scheduler(Config(16)).Plan({view}, 0, {20, 0});
    sizes.push_back(plan.num_rows());
    view.evaluated += static_cast<std::int32_t>(plan.num_rows());
  }
  EXPECT(sizes == std::vector<std::size_t>({16, 9, 15}));
}
