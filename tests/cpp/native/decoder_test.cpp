// SPDX-License-Identifier: AGPL-3.0-only
// The decoder over llama.cpp: what it refuses, and that other sequences do not change a bit.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "backend/decode/llama_decoder.h"
#include "backend/kernels/cpu_hook.h"
#include "check.h"
#include "guide.h"

using namespace sentiric;
using namespace sentiric::testing;
using backend::LlamaDecoder;

namespace {

std::unique_ptr<LlamaDecoder> MakeDecoder(std::int32_t contexts = 4) {
  return std::move(LlamaDecoder::Create(Guide(), GuideConfig(contexts))).value();
}

Token TokenAt(SeqId text, Position pos) { return 20 + (text * 131 + pos * 37) % 900; }

// The rows of [from, to) of text number `text`, the last one with logits.
Batch Rows(SeqId seq, SeqId text, Position from, Position to) {
  Batch batch;
  for (Position pos = from; pos < to; ++pos) {
    batch.push_back({seq, pos, TokenAt(text, pos), pos + 1 == to});
  }
  return batch;
}

std::vector<float> LogitsOf(LlamaDecoder* decoder, std::size_t row) {
  const float* logits = decoder->Logits(row);
  return {logits, logits + decoder->traits().num_vocab};
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

float LargestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

float Spread(const std::vector<float>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *high - *low;
}

// Logits after each of the positions [prompt, prompt + steps) when the text runs alone.
std::vector<std::vector<float>> Solo(SeqId text, Position prompt, Position steps) {
  auto decoder = MakeDecoder(1);
  std::vector<std::vector<float>> result;
  EXPECT_EQ(decoder->Decode(Rows(0, text, 0, prompt), nullptr), DecodeStatus::kOk);
  for (Position pos = prompt; pos < prompt + steps; ++pos) {
    EXPECT_EQ(decoder->Decode(Rows(0, text, pos, pos + 1), nullptr), DecodeStatus::kOk);
    result.push_back(LogitsOf(decoder.get(), 0));
  }
  return result;
}

}  // namespace

TEST(Decoder, MalformedBatchesAreRefusedAndChangeNothing) {
  auto decoder = MakeDecoder();
  ASSERT(decoder->Decode(Rows(0, 0, 0, 5), nullptr) == DecodeStatus::kOk);
  const Token vocab = decoder->traits().num_vocab;
  const std::vector<Batch> malformed = {
      {},
      {{0, 5, vocab, true}},
      {{0, 5, -1, true}},
      {{4, 0, 7, true}},
      {{-1, 0, 7, true}},
      {{0, 7, 7, true}},                    // a gap
      {{0, 3, 7, true}},                    // again
      {{0, 5, 7, false}, {0, 7, 7, true}},  // a gap inside
      Rows(1, 0, 0, 257),                   // longer than a context
      Batch(3000, Row{1, 0, 7, false}),     // longer than a batch
  };
  for (const Batch& batch : malformed) {
    EXPECT_EQ(decoder->Decode(batch, nullptr), DecodeStatus::kInvalid);
  }
  EXPECT_EQ(decoder->MaxPosition(0), 4);
  EXPECT_EQ(decoder->MaxPosition(1), -1);
  EXPECT_EQ(decoder->Decode(Rows(0, 0, 5, 6), nullptr), DecodeStatus::kOk);
}

TEST(Decoder, NeighboursAndHolesDoNotChangeABit) {
  constexpr Position kPrompt = 40;
  constexpr Position kSteps = 12;
  const auto solo_a = Solo(1, kPrompt, kSteps);
  const auto solo_b = Solo(2, kPrompt + 9, kSteps);
  auto decoder = MakeDecoder(6);
  // Sequences 0 and 3 decode together across a hole; 5 comes and goes; 1 is only cached.
  ASSERT(decoder->Decode(Rows(1, 7, 0, 20), nullptr) == DecodeStatus::kOk);
  ASSERT(decoder->Decode(Rows(0, 1, 0, 25), nullptr) == DecodeStatus::kOk);
  ASSERT(decoder->Decode(Rows(3, 2, 0, kPrompt + 9), nullptr) == DecodeStatus::kOk);
  ASSERT(decoder->Decode(Rows(0, 1, 25, kPrompt), nullptr) == DecodeStatus::kOk);
  for (Position step = 0; step < kSteps; ++step) {
    if (step == 4) ASSERT(decoder->Decode(Rows(5, 9, 0, 100), nullptr) == DecodeStatus::kOk);
    Batch batch = Rows(0, 1, kPrompt + step, kPrompt + step + 1);
    const Batch other = Rows(3, 2, kPrompt + 9 + step, kPrompt + 10 + step);
    batch.insert(batch.end(), other.begin(), other.end());
    ASSERT(decoder->Decode(batch, nullptr) == DecodeStatus::kOk);
    EXPECT(SameBits(LogitsOf(decoder.get(), 0), solo_a[static_cast<std::size_t>(step)]));
    EXPECT(SameBits(LogitsOf(decoder.get(), 1), solo_b[static_cast<std::size_t>(step)]));
    if (step == 8) decoder->Clear(5);
  }
  // What filled the hole is gone again.
  EXPECT_EQ(decoder->MaxPosition(1), 19);
  EXPECT_EQ(decoder->MaxPosition(2), -1);
}

TEST(Decoder, ChunkSizesOfTwoAndMoreDoNotChangeABit) {
  const auto whole = Solo(3, 60, 1);
  for (const Position chunk : {2, 7, 31, 59}) {
    auto decoder = MakeDecoder(2);
    for (Position at = 0; at < 60;) {
      Position to = std::min(60, at + chunk);
      if (60 - to == 1) to = 60;
      ASSERT(decoder->Decode(Rows(1, 3, at, to), nullptr) == DecodeStatus::kOk);
      at = to;
    }
    ASSERT(decoder->Decode(Rows(1, 3, 60, 61), nullptr) == DecodeStatus::kOk);
    EXPECT(SameBits(LogitsOf(decoder.get(), 0), whole[0]));
  }
}

// llama.cpp has another product for one row, which rounds otherwise and says the same; ours has
// not.
TEST(Decoder, ATokenAloneHasTheBitsOfTheSameTokenInAChunk) {
  const auto whole = Solo(3, 60, 1);
  auto decoder = MakeDecoder(2);
  for (Position at = 0; at < 60; ++at) {
    ASSERT(decoder->Decode(Rows(1, 3, at, at + 1), nullptr) == DecodeStatus::kOk);
  }
  ASSERT(decoder->Decode(Rows(1, 3, 60, 61), nullptr) == DecodeStatus::kOk);
  const std::vector<float> alone = LogitsOf(decoder.get(), 0);
  if (backend::HasCpuKernels()) EXPECT(SameBits(alone, whole[0]));
  EXPECT(LargestDifference(alone, whole[0]) <= 0.02f * Spread(whole[0]));
}

TEST(Decoder, ATruncatedSequenceContinuesAsIfNothingHadHappened) {
  const auto solo = Solo(4, 30, 1);
  auto decoder = MakeDecoder();
  ASSERT(decoder->Decode(Rows(2, 4, 0, 30), nullptr) == DecodeStatus::kOk);
  ASSERT(decoder->Decode(Rows(2, 8, 30, 50), nullptr) == DecodeStatus::kOk);  // another text
  EXPECT(decoder->Truncate(2, 30));
  ASSERT(decoder->Decode(Rows(2, 4, 30, 31), nullptr) == DecodeStatus::kOk);
  EXPECT(SameBits(LogitsOf(decoder.get(), 0), solo[0]));
}

TEST(Decoder, ACopiedPrefixContinuesAsItsOwn) {
  const auto solo = Solo(4, 30, 1);
  auto decoder = MakeDecoder();
  ASSERT(decoder->Decode(Rows(2, 4, 0, 24), nullptr) == DecodeStatus::kOk);
  ASSERT(decoder->Decode(Rows(2, 8, 24, 50), nullptr) == DecodeStatus::kOk);  // another text
  ASSERT(decoder->Copy(2, 0, 24));
  EXPECT_EQ(decoder->MaxPosition(0), 23);
  EXPECT_EQ(decoder->MaxPosition(2), 49);
  ASSERT(decoder->Decode(Rows(0, 4, 24, 30), nullptr) == DecodeStatus::kOk);
  ASSERT(decoder->Decode(Rows(0, 4, 30, 31), nullptr) == DecodeStatus::kOk);
  EXPECT(SameBits(LogitsOf(decoder.get(), 0), solo[0]));
}

TEST(Decoder, ASavedStateContinuesAnywhere) {
  const auto solo = Solo(4, 30, 1);
  auto decoder = MakeDecoder();
  ASSERT(decoder->Decode(Rows(1, 4, 0, 30), nullptr) == DecodeStatus::kOk);
  const std::vector<std::uint8_t> state = decoder->Save(1);
  EXPECT_EQ(state.size(), decoder->SavedSize(1));
  decoder->Clear(1);
  ASSERT(decoder->Decode(Rows(1, 5, 0, 40), nullptr) == DecodeStatus::kOk);
  ASSERT(decoder->Decode(Rows(3, 6, 0, 40), nullptr) == DecodeStatus::kOk);
  decoder->Clear(3);
  ASSERT(decoder->Restore(3, state));
  EXPECT_EQ(decoder->MaxPosition(3), 29);
  ASSERT(decoder->Decode(Rows(3, 4, 30, 31), nullptr) == DecodeStatus::kOk);
  EXPECT(SameBits(LogitsOf(decoder.get(), 0), solo[0]));
}

TEST(Decoder, AStateThatIsNoneLeavesTheSequenceEmpty) {
  auto decoder = MakeDecoder();
  ASSERT(decoder->Decode(Rows(1, 4, 0, 30), nullptr) == DecodeStatus::kOk);
  std::vector<std::uint8_t> state = decoder->Save(1);
  EXPECT(!decoder->Restore(2, {}));
  EXPECT(!decoder->Restore(2, {1, 2, 3}));
  state.resize(state.size() / 2);
  EXPECT(!decoder->Restore(2, state));
  EXPECT_EQ(decoder->MaxPosition(2), -1);
  EXPECT_EQ(decoder->Decode(Rows(2, 4, 0, 30), nullptr), DecodeStatus::kOk);
}

TEST(Decoder, InOneBufferACopyTakesNoCells) {
  EngineConfig config = GuideConfig(2);
  config.kv_layout = "unified";
  config.kv_cells = 256;
  auto made = LlamaDecoder::Create(Guide(), config);
  if (!made.ok()) check::Fail(__FILE__, __LINE__, made.error().Message());
  ASSERT(made.ok());
  const std::unique_ptr<LlamaDecoder> decoder = std::move(made).value();
  EXPECT(decoder->traits().shares_cells);
  EXPECT(decoder->traits().sequences > 2);
  ASSERT(decoder->Decode(Rows(0, 1, 0, 200), nullptr) == DecodeStatus::kOk);
  for (SeqId seq = 1; seq < decoder->traits().sequences; ++seq) {
    EXPECT(decoder->Copy(0, seq, 190));
  }
  EXPECT_EQ(decoder->Decode(Rows(1, 1, 190, 240), nullptr), DecodeStatus::kOk);
  EXPECT_EQ(decoder->Decode(Rows(2, 1, 190, 240), nullptr), DecodeStatus::kKvFull);
}

TEST(Decoder, AShiftTakesTheMiddleOut) {
  auto decoder = MakeDecoder();
  ASSERT(decoder->traits().can_shift);
  ASSERT(decoder->Decode(Rows(0, 1, 0, 256), nullptr) == DecodeStatus::kOk);
  decoder->Shift(0, 16, 120);
  EXPECT_EQ(decoder->MaxPosition(0), 135);
  EXPECT_EQ(decoder->Decode({{0, 136, 50, true}}, nullptr), DecodeStatus::kOk);
}

// It would be applied again to the layers that it had reached.
TEST(Decoder, ARaisedFlagDoesNotInterruptAShift) {
  const std::atomic<bool> abort{true};
  std::vector<std::vector<float>> logits;
  for (const std::atomic<bool>* flag : {static_cast<const std::atomic<bool>*>(nullptr), &abort}) {
    auto decoder = MakeDecoder();
    ASSERT(decoder->Decode(Rows(0, 1, 0, 256), nullptr) == DecodeStatus::kOk);
    decoder->Shift(0, 16, 120);
    EXPECT_EQ(decoder->Decode({{0, 136, 50, true}}, flag), DecodeStatus::kOk);
    logits.push_back(LogitsOf(decoder.get(), 0));
    EXPECT_EQ(decoder->Decode(Rows(1, 1, 0, 200), &abort), DecodeStatus::kAborted);
  }
  EXPECT(SameBits(logits[0], logits[1]));
}

TEST(Decoder, ARaisedFlagStopsAPrefill) {
  auto decoder = MakeDecoder();
  const std::atomic<bool> abort{true};
  EXPECT_EQ(decoder->Decode(Rows(0, 1, 0, 200), &abort), DecodeStatus::kAborted);
  decoder->Clear(0);
  const auto solo = Solo(1, 30, 1);
  ASSERT(decoder->Decode(Rows(0, 1, 0, 30), nullptr) == DecodeStatus::kOk);
  ASSERT(decoder->Decode(Rows(0, 1, 30, 31), nullptr) == DecodeStatus::kOk);
  EXPECT(SameBits(LogitsOf(decoder.get(), 0), solo[0]));
}

TEST(Decoder, UnknownNamesAreRefused) {
  for (const auto& change : std::vector<std::function<void(EngineConfig*)>>{
           [](EngineConfig* c) { c->kv_layout = "wide"; },
           [](EngineConfig* c) { c->flash_attention = "maybe"; },
           [](EngineConfig* c) { c->cache_type_k = "q9"; }}) {
    EngineConfig config = GuideConfig();
    change(&config);
    const auto decoder = LlamaDecoder::Create(Guide(), config);
    ASSERT(!decoder.ok());
    EXPECT_EQ(decoder.error().code, ErrorCode::kInvalidArgument);
  }
}
