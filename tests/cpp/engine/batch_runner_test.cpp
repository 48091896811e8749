// SPDX-License-Identifier: AGPL-3.0-only
// A batch that fails is bisected, and each part can be sampled before the next one runs.
#include "engine/batch_runner.h"

#include <algorithm>

#include "check.h"
#include "fake_decoder.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

// A row with logits for each of the sequences, which are empty.
Batch FirstRows(const std::vector<Token>& tokens) {
  Batch batch;
  for (const Token token : tokens) {
    batch.push_back({static_cast<SeqId>(batch.size()), 0, token, true});
  }
  return batch;
}

struct Outcome {
  std::vector<std::vector<SeqId>> evaluated;  // part by part
  std::vector<Token> sampled;                 // by row with logits
  std::vector<SeqId> no_room, failed;
};

Token Likeliest(const float* logits) {
  return static_cast<Token>(std::max_element(logits, logits + kVocab) - logits);
}

// Takes all remaining parts; samples each before it takes the next one, like the loop.
Outcome TakeAll(BatchRunner* runner, FakeDecoder* decoder) {
  Outcome outcome;
  while (const std::optional<BatchPart> part = runner->Decode()) {
    if (part->status == DecodeStatus::kKvFull) outcome.no_room.push_back(part->seq);
    if (part->status == DecodeStatus::kInvalid || part->status == DecodeStatus::kFailed) {
      outcome.failed.push_back(part->seq);
    }
    if (part->status != DecodeStatus::kOk) continue;
    outcome.evaluated.emplace_back();
    for (std::size_t i = 0; i < part->rows->size(); ++i) {
      const Row& row = (*part->rows)[i];
      outcome.evaluated.back().push_back(row.seq);
      if (row.wants_logits) outcome.sampled.push_back(Likeliest(decoder->Logits(i)));
    }
  }
  return outcome;
}

Outcome RunAll(BatchRunner* runner, FakeDecoder* decoder, const Batch& batch,
               const std::atomic<bool>* abort = nullptr) {
  runner->Start(batch, abort);
  return TakeAll(runner, decoder);
}

FakeModel Model(std::int32_t contexts) {
  FakeModel model;
  model.contexts = contexts;
  return model;
}

// The token that a sequence samples after this first token.
Token AloneAfter(Token token) {
  FakeDecoder decoder(Model(1));
  decoder.Decode(FirstRows({token}), nullptr);
  return Likeliest(decoder.Logits(0));
}

// Fails after some of its rows are stored, as a real backend may; cannot cut `stuck` back.
class HalfwayDecoder : public FakeDecoder {
 public:
  HalfwayDecoder(const FakeModel& model, SeqId stuck) : FakeDecoder(model), stuck_(stuck) {}

  DecodeStatus Decode(const Batch& batch, const std::atomic<bool>* abort) override {
    if (batch.size() == 1) return FakeDecoder::Decode(batch, abort);
    FakeDecoder::Decode({batch.front()}, nullptr);
    return DecodeStatus::kFailed;
  }
  bool Truncate(SeqId seq, Position from) override {
    return seq != stuck_ && FakeDecoder::Truncate(seq, from);
  }

 private:
  const SeqId stuck_;
};

}  // namespace

TEST(BatchRunner, ABatchThatFitsIsOnePart) {
  FakeDecoder decoder(Model(4));
  BatchRunner runner(&decoder);
  const Batch batch = FirstRows({10, 11, 12, 13});
  const Outcome outcome = RunAll(&runner, &decoder, batch);
  EXPECT(outcome.evaluated == std::vector<std::vector<SeqId>>({{0, 1, 2, 3}}));
  EXPECT_EQ(runner.num_calls(), 1u);
  EXPECT(!runner.Decode());
}

TEST(BatchRunner, TheCulpritStandsAloneAndItsNeighboursAreSampledFromTheirOwnLogits) {
  FakeDecoder decoder(Model(5));
  BatchRunner runner(&decoder);
  const std::vector<Token> tokens = {10, 11, kPoison, 13, 14};
  const Outcome outcome = RunAll(&runner, &decoder, FirstRows(tokens));
  EXPECT(outcome.evaluated == std::vector<std::vector<SeqId>>({{0, 1}, {3, 4}}));
  EXPECT(outcome.failed == std::vector<SeqId>({2}));
  EXPECT(outcome.no_room.empty());
  EXPECT(outcome.sampled ==
         std::vector<Token>({AloneAfter(10), AloneAfter(11), AloneAfter(13), AloneAfter(14)}));
  EXPECT_EQ(decoder.MaxPosition(2), -1);
}

TEST(BatchRunner, WithoutRoomTheFirstHalfIsServed) {
  FakeModel model = Model(4);
  model.cells = 3;
  FakeDecoder decoder(model);
  BatchRunner runner(&decoder);
  const Outcome outcome = RunAll(&runner, &decoder, FirstRows({10, 11, 12, 13}));
  EXPECT(outcome.evaluated == std::vector<std::vector<SeqId>>({{0, 1}, {2}}));
  EXPECT(outcome.no_room == std::vector<SeqId>({3}));
  EXPECT_EQ(runner.num_kv_full(), 3u);  // all four, the second half, the last one
  EXPECT_EQ(runner.num_calls(), 5u);
}

TEST(BatchRunner, RowsOfOneSequenceAreNeverDivided) {
  FakeDecoder decoder(Model(2));
  BatchRunner runner(&decoder);
  Batch batch;
  for (Position pos = 0; pos < 9; ++pos) batch.push_back({0, pos, 10 + pos, false});
  batch.push_back({1, 0, kPoison, true});
  const Outcome outcome = RunAll(&runner, &decoder, batch);
  ASSERT(outcome.evaluated.size() == 1);
  EXPECT_EQ(outcome.evaluated[0].size(), 9u);
  EXPECT(outcome.failed == std::vector<SeqId>({1}));
}

TEST(BatchRunner, AnAbortedCallHasNoPart) {
  FakeDecoder decoder(Model(1));
  BatchRunner runner(&decoder);
  const std::atomic<bool> abort{true};
  const Outcome outcome = RunAll(&runner, &decoder, FirstRows({10}), &abort);
  EXPECT(outcome.evaluated.empty() && outcome.failed.empty() && outcome.no_room.empty());
  EXPECT_EQ(runner.num_calls(), 1u);
}

TEST(BatchRunner, WhatWasStoredOfAFailedCallIsTakenBackBeforeTheNext) {
  HalfwayDecoder decoder(Model(3), /*stuck=*/-1);
  BatchRunner runner(&decoder);
  const Outcome outcome = RunAll(&runner, &decoder, FirstRows({10, 11, 12}));
  EXPECT(outcome.evaluated == std::vector<std::vector<SeqId>>({{0}, {1}, {2}}));
  EXPECT(outcome.failed.empty());
  for (SeqId seq = 0; seq < 3; ++seq) EXPECT_EQ(decoder.MaxPosition(seq), 0);
}

TEST(BatchRunner, WhoCannotBeTakenBackFailsBeforeItsNeighboursGoOn) {
  HalfwayDecoder decoder(Model(2), /*stuck=*/0);
  BatchRunner runner(&decoder);
  const Batch batch = FirstRows({10, 11});
  runner.Start(batch, nullptr);
  const std::optional<BatchPart> first = runner.Decode();
  ASSERT(first.has_value());
  EXPECT(first->status == DecodeStatus::kFailed);
  EXPECT_EQ(first->seq, 0);
  const Outcome rest = TakeAll(&runner, &decoder);
  EXPECT(rest.evaluated == std::vector<std::vector<SeqId>>({{1}}));
  EXPECT(rest.failed == std::vector<SeqId>({0}));  // its next position has changed
}
