// SPDX-License-Identifier: AGPL-3.0-only
// A sampler that took over the tokens of another one goes on as that would have.
#include "core/sampling/vocab_sampler.h"

#include <algorithm>
#include <cctype>
#include <random>

#include "check.h"
#include "core/grammar/automaton/grammar.h"
#include "core/grammar/gbnf/compile_gbnf.h"
#include "core/sampling/row_edits.h"
#include "core/sampling/row_picker.h"

using namespace sentiric;
using namespace sentiric::sampling;

namespace {

constexpr std::size_t kSize = 1500;
constexpr Token kEnd = 600;
constexpr Token kControl = 601;

// Single bytes, then words; one token ends, one has no text.
std::shared_ptr<const Vocab> MakeVocab() {
  auto vocab = std::make_shared<Vocab>();
  std::mt19937 random(7);
  const std::string letters = "abcdefgh0123456789 \",:{}[]";
  for (std::size_t i = 0; i < kSize; ++i) {
    std::string piece(1, static_cast<char>(i));
    if (i >= 256) piece.clear();
    while (i >= 256 && piece.size() < 2 + i % 4) piece += letters[random() % letters.size()];
    vocab->pieces.push_back(piece);
  }
  vocab->pieces[kEnd].clear();
  vocab->pieces[kControl].clear();
  vocab->end_tokens = {kEnd};
  vocab->is_end.resize(kSize, false);
  vocab->is_end[kEnd] = true;
  vocab->trie = std::make_unique<grammar::TokenTrie>(vocab->pieces);
  return vocab;
}

const std::shared_ptr<const Vocab>& AllTokens() {
  static const auto vocab = MakeVocab();
  return vocab;
}

// Each byte is a token.
std::vector<Token> TokenizeBytes(std::string_view text) {
  std::vector<Token> tokens;
  for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  return tokens;
}

struct Case {
  Request request;
  std::string gbnf;
};

std::unique_ptr<VocabSampler> Make(const Case& c) {
  PreparedPrompt prompt;
  prompt.tokens = {300, 301, 302, 97, 98};
  if (!c.gbnf.empty()) prompt.grammar = *grammar::CompileGbnf(c.gbnf, grammar::Limits::ForClient());
  auto picker = std::make_unique<RowPicker>(c.request.sampling, AllTokens().get(),
                                            BannedTokens(c.request, AllTokens()->end_tokens), 11);
  return std::make_unique<VocabSampler>(AllTokens(), c.request, prompt, std::move(picker),
                                        TokenizeBytes);
}

std::vector<float> Row(std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> row(kSize);
  for (float& value : row) value = normal(random);
  return row;
}

// A token that was sampled, and those that were forced behind it.
using Step = std::vector<Token>;

void AddForced(VocabSampler* sampler, Step* step) {
  for (const SampledToken& forced : sampler->Forced(63)) step->push_back(forced.token);
}

// The next step; empty at the end.
Step Next(VocabSampler* sampler, std::uint32_t row) {
  const Result<SampledToken> sampled = sampler->Sample(Row(row).data());
  if (!sampled || sampled->is_end) return {};
  Step step = {sampled->token};
  AddForced(sampler, &step);
  return step;
}

std::vector<Step> Run(const Case& c) {
  auto sampler = Make(c);
  std::vector<Step> steps;
  for (std::uint32_t i = 0; i < 24; ++i) {
    Step step = Next(sampler.get(), i);
    if (step.empty()) break;
    steps.push_back(std::move(step));
  }
  return steps;
}

// Takes over the first `count` steps, then samples from the same rows.
void ExpectGoesOn(const Case& c, const std::vector<Step>& steps, std::size_t count) {
  auto sampler = Make(c);
  for (std::size_t i = 0; i < count; ++i) {
    const Result<SampledToken> replayed = sampler->Replay(steps[i].front());
    ASSERT(replayed.ok());
    EXPECT_EQ(replayed->piece, AllTokens()->pieces[static_cast<std::size_t>(steps[i].front())]);
    Step step = {replayed->token};
    AddForced(sampler.get(), &step);
    EXPECT(step == steps[i]);
  }
  for (std::size_t i = count; i < steps.size(); ++i) {
    EXPECT(Next(sampler.get(), static_cast<std::uint32_t>(i)) == steps[i]);
  }
}

Case RandomCase(std::mt19937* random) {
  const auto pick = [random](std::vector<float> values) {
    return values[(*random)() % values.size()];
  };
  Case c;
  SamplingParams& p = c.request.sampling;
  p.temperature = pick({0.0f, 0.7f, 1.3f});
  p.top_k = static_cast<std::int32_t>(pick({0, 1, 5, 40, 300}));
  p.top_p = pick({1.0f, 0.95f, 0.5f});
  p.min_p = pick({0.0f, 0.05f, 0.3f});
  p.repeat_penalty = pick({1.0f, 1.5f});
  p.frequency_penalty = pick({0.0f, 0.8f});
  p.repeat_last_n = static_cast<std::int32_t>(pick({2, 64}));
  const bool truncates = p.top_k > 0 || p.top_p < 1.0f || p.min_p > 0.0f;
  if (truncates) p.dynatemp_range = pick({0.0f, 0.4f});
  if (pick({0, 1}) > 0) p.logit_bias = {{static_cast<Token>('a'), -100.0f}, {300, 4.0f}};
  c.request.ignore_eos = true;
  return c;
}

// The best tokens of most rows are refused, also all of them.
const std::vector<std::string> kGrammars = {
    "",
    R"(root ::= "{" item ("," item)* "}"
item ::= "\"" [a-h0-9]{1,6} "\":" [0-9]{1,4})",
    R"(root ::= [^x]{3,60})",
    R"(root ::= ("first_" [ab] | "second_" [cd] "_end"){4,40})",
};

// Stands for mirostat.
class Learner : public Picker {
 public:
  Result<Token> Pick(const float*, GrammarFilter*) override { return Token{97}; }
  void Ban(const std::vector<Token>&) override {}
  void Accept(Token) override {}
  bool Skip() override { return false; }
};

}  // namespace

TEST(VocabSampler, GoesOnBehindReplayedTokens) {
  std::mt19937 random(3);
  std::size_t num_steps = 0, num_forced = 0;
  for (std::size_t run = 0; run < 60; ++run) {
    Case c = RandomCase(&random);
    c.gbnf = kGrammars[run % kGrammars.size()];
    const std::vector<Step> steps = Run(c);
    for (std::size_t count = 0; count <= steps.size(); ++count) ExpectGoesOn(c, steps, count);
    num_steps += steps.size();
    for (const Step& step : steps) num_forced += step.size() - 1;
  }
  EXPECT(num_steps > 900);
  EXPECT(num_forced > 200);
}

// Two letters or digits that are one token, and each of them one, too.
std::string ShortWord() {
  for (std::size_t i = 256; i < kSize; ++i) {
    const std::string& word = AllTokens()->pieces[i];
    if (word.size() == 2 && std::isalnum(word[0]) && std::isalnum(word[1])) return word;
  }
  return "";
}

TEST(VocabSampler, ForcedTextNeverEndsTheAnswer) {
  const std::string word = ShortWord();
  ASSERT(!word.empty());
  Case c;
  c.gbnf = R"(root ::= "xyz)" + word + R"(" [0-9]+)";
  c.request.stop_tokens = {static_cast<Token>(word[0])};
  c.request.min_tokens = 20;
  auto sampler = Make(c);
  ASSERT(sampler->Sample(Row(1).data()).ok());
  Step step;
  AddForced(sampler.get(), &step);
  EXPECT(step == Step({'y', 'z'}));
  const Result<SampledToken> sampled = sampler->Sample(Row(2).data());
  ASSERT(sampled.ok());
  EXPECT(!sampled->is_end);
  EXPECT_EQ(sampled->piece.substr(0, 2), word);
}

TEST(VocabSampler, ReplaysTheEnd) {
  auto sampler = Make({});
  const Result<SampledToken> end = sampler->Replay(kEnd);
  ASSERT(end.ok());
  EXPECT(end->is_end);
}

TEST(VocabSampler, ReplaysOnlyWhatTheGrammarAllows) {
  Case c;
  c.gbnf = R"(root ::= "ab" [0-9]*)";
  for (const Token token : {Token{'b'}, kControl}) {
    const Result<SampledToken> refused = Make(c)->Replay(token);
    ASSERT(!refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().where, "delivered");
  }
  auto sampler = Make(c);
  EXPECT(sampler->Replay('a').ok());
  EXPECT(sampler->Replay('b').ok());
  EXPECT(!sampler->Replay('a').ok());
}

TEST(VocabSampler, ReplaysOnlyTokensOfTheVocabulary) {
  for (const Token token : {Token{-1}, static_cast<Token>(kSize)}) {
    const Result<SampledToken> refused = Make({})->Replay(token);
    ASSERT(!refused.ok());
    EXPECT_EQ(refused.error().what,
              "out of range; got " + std::to_string(token) + ", allowed 0..1499");
  }
}

TEST(VocabSampler, APickerThatLearnsFromLogitsCannotReplay) {
  VocabSampler sampler(AllTokens(), {}, {}, std::make_unique<Learner>(), nullptr);
  const Result<SampledToken> refused = sampler.Replay(97);
  ASSERT(!refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotSupported);
}
