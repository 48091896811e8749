// SPDX-License-Identifier: AGPL-3.0-only
// The draft model's cells follow the texts, and its drafts are its own greedy text.
#include "core/speculation/model_drafter.h"

#include <algorithm>

#include "check.h"
#include "fake_decoder.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

using Tokens = std::vector<Token>;

// Counts calls and rows.
class CountingDecoder : public FakeDecoder {
 public:
  using FakeDecoder::FakeDecoder;
  DecodeStatus Decode(const Batch& batch, const std::atomic<bool>* abort) override {
    ++calls;
    rows += batch.size();
    return FakeDecoder::Decode(batch, abort);
  }
  int calls = 0;
  std::size_t rows = 0;
};

FakeModel Small(std::int32_t contexts = 2, std::int32_t context_size = 400) {
  FakeModel model;
  model.contexts = contexts;
  model.context_size = context_size;
  return model;
}

Tokens Text(std::int32_t size, Token first = 5) {
  Tokens tokens;
  for (Token i = 0; i < size; ++i) tokens.push_back(3 + (first + i * 7) % 60);
  return tokens;
}

// The model's greedy continuation of the text.
Tokens Greedy(Tokens text, std::int32_t count) {
  const auto size = static_cast<std::ptrdiff_t>(text.size());
  for (std::int32_t i = 0; i < count; ++i) {
    FakeDecoder decoder(Small(1, 1000));
    Batch batch;
    for (const Token token : text) {
      batch.push_back({0, static_cast<Position>(batch.size()), token, false});
    }
    batch.back().wants_logits = true;
    EXPECT(decoder.Decode(batch, nullptr) == DecodeStatus::kOk);
    const float* row = decoder.Logits(batch.size() - 1);
    text.push_back(static_cast<Token>(std::max_element(row, row + kVocab) - row));
  }
  return {text.begin() + size, text.end()};
}

struct Drafting {
  explicit Drafting(const FakeModel& model = Small(), std::int32_t num_vocab = kVocab)
      : decoder(new CountingDecoder(model)),
        drafter(std::unique_ptr<Decoder>(decoder), num_vocab) {}

  Tokens One(SeqId seq, const Tokens& text, std::int32_t limit) {
    return drafter.Draft({{seq, &text, &scope, limit}}, 32)->tokens.front();
  }

  const std::string scope = "a";
  CountingDecoder* const decoder;  // the drafter's
  ModelDrafter drafter;
};

}  // namespace

TEST(ModelDrafter, DraftsItsOwnGreedyText) {
  Drafting drafting;
  const Tokens text = Text(10);
  EXPECT(drafting.One(7, text, 5) == Greedy(text, 5));
  EXPECT_EQ(drafting.decoder->calls, 5);
}

TEST(ModelDrafter, KeepsWhatIsRightAndCutsWhatIsNot) {
  Drafting drafting;
  Tokens text = Text(10);
  const Tokens right = Greedy(text, 3);
  drafting.One(0, text, 3);
  text.insert(text.end(), right.begin(), right.begin() + 2);  // the third was wrong
  text.push_back(right[2] == 9 ? 10 : 9);
  drafting.decoder->rows = 0;
  EXPECT(drafting.One(0, text, 2) == Greedy(text, 2));
  EXPECT_EQ(drafting.decoder->rows, 2u);  // the new token and one drafted
  Tokens held = text;
  held.push_back(Greedy(text, 1).front());
  EXPECT(drafting.decoder->TokensOf(0) == held);
}

TEST(ModelDrafter, AllStreamsDraftInTheSameCalls) {
  Drafting drafting;
  const Tokens a = Text(9, 1), b = Text(12, 2);
  const auto drafts =
      drafting.drafter.Draft({{0, &a, &drafting.scope, 4}, {1, &b, &drafting.scope, 2}}, 32);
  EXPECT(drafts->tokens[0] == Greedy(a, 4));
  EXPECT(drafts->tokens[1] == Greedy(b, 2));
  EXPECT_EQ(drafting.decoder->calls, 4);
}

TEST(ModelDrafter, SharesTheRoomAndStepsAsideWhenThereIsNone) {
  Drafting drafting;
  const Tokens a = Text(9, 1), b = Text(12, 2);
  const std::vector<DraftRequest> requests = {{0, &a, &drafting.scope, 9},
                                              {1, &b, &drafting.scope, 9}};
  auto drafts = drafting.drafter.Draft(requests, 7);
  EXPECT_EQ(drafts->tokens[0].size(), 3u);
  EXPECT_EQ(drafts->tokens[1].size(), 3u);
  drafting.decoder->calls = 0;
  drafts = drafting.drafter.Draft(requests, 1);
  EXPECT(drafts->tokens[0].empty() && drafts->tokens[1].empty());
  EXPECT_EQ(drafting.decoder->calls, 0);
}

TEST(ModelDrafter, ReadsALongTextInParts) {
  Drafting drafting;
  const Tokens text = Text(300);
  int reads = 0;
  Tokens draft;
  while (draft.empty() && reads < 10) {
    drafting.decoder->rows = 0;
    draft = drafting.One(0, text, 2);
    EXPECT(drafting.decoder->rows <= static_cast<std::size_t>(ModelDrafter::kReadRows));
    reads += draft.empty() ? 1 : 0;
  }
  EXPECT_EQ(reads, 3);  // 299 tokens in parts of 128
  EXPECT(draft == Greedy(text, 2));
}

TEST(ModelDrafter, ATextThatBeginsTheSameFindsItsCells) {
  Drafting drafting;
  Tokens text = Text(100);
  drafting.One(0, text, 1);
  drafting.One(0, text, 1);
  drafting.drafter.Forget(0);
  text.push_back(40);
  drafting.decoder->rows = 0;
  EXPECT(drafting.One(5, text, 1) == Greedy(text, 1));
  EXPECT_EQ(drafting.decoder->rows, 1u);
  drafting.drafter.Forget(5);
  // Not in another scope: the time it takes would reveal the text.
  const std::string other = "b";
  drafting.decoder->rows = 0;
  EXPECT(drafting.drafter.Draft({{6, &text, &other, 1}}, 32).ok());
  EXPECT(drafting.decoder->rows >= 100u);
}

TEST(ModelDrafter, KeepsInsideItsContextAndVocabulary) {
  Drafting small(Small(1, 16));
  EXPECT_EQ(small.One(0, Text(14), 9).size(), 2u);
  EXPECT(small.One(0, Text(16), 9).empty());
  EXPECT(small.One(0, Text(40), 9).empty());
  Drafting narrow(Small(), 32);
  EXPECT(narrow.One(0, {5, 6, 50, 7}, 4).empty());
  const Tokens draft = narrow.One(0, {5, 6, 7, 8}, 9);
  EXPECT_EQ(draft.size(), 9u);
  EXPECT(*std::max_element(draft.begin(), draft.end()) < 32);
}

TEST(ModelDrafter, SaysWhenItFails) {
  Drafting drafting;
  const Tokens text = {5, 6, kPoison, 7};
  EXPECT(!drafting.drafter.Draft({{0, &text, &drafting.scope, 4}}, 32));
}

TEST(ModelDrafter, RandomTextsAndForgettingKeepItInStep) {
  Drafting drafting(Small(3, 64));
  std::vector<Tokens> texts(3);
  std::uint32_t random = 1;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % below;
  };
  for (int round = 0; round < 400; ++round) {
    const auto which = next(3);
    Tokens& text = texts[which];
    if (text.size() > 40 || next(10) == 0) {
      drafting.drafter.Forget(static_cast<SeqId>(which));
      text = Text(static_cast<std::int32_t>(1 + next(12)), static_cast<Token>(next(4)));
    }
    text.push_back(3 + static_cast<Token>(next(60)));
    const auto limit = static_cast<std::int32_t>(1 + next(4));
    const Tokens draft = drafting.One(static_cast<SeqId>(which), text, limit);
    if (draft.empty()) continue;  // it was read
    EXPECT(draft == Greedy(text, limit));
    text.insert(text.end(), draft.begin(), draft.begin() + next(3) % (limit + 1));
  }
}
