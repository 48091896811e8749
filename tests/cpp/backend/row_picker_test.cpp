// SPDX-License-Identifier: AGPL-3.0-only
// The sampler on raw logits against llama.cpp's chain: the same tokens from the same seed, and the
// same probabilities.
#include "core/sampling/row_picker.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <utility>

#include "check.h"
#include "llama.h"

using namespace sentiric;
using namespace sentiric::sampling;

namespace {

constexpr std::uint32_t kSeed = 1234;

struct Case {
  std::size_t size = 0;
  SamplingParams params;
  std::vector<Token> banned;
  std::vector<Token> past;
};

struct Answer {
  Token token = -1;
  std::map<Token, double> probabilities;
  std::vector<double> sorted;
};

void Sort(Answer* answer) {
  for (const auto& entry : answer->probabilities) answer->sorted.push_back(entry.second);
  std::sort(answer->sorted.rbegin(), answer->sorted.rend());
}

class Chain {
 public:
  explicit Chain(const Case& c)
      : case_(c), chain_(llama_sampler_chain_init(llama_sampler_chain_default_params())) {
    const SamplingParams& p = c.params;
    const auto size = static_cast<std::int32_t>(c.size);
    std::vector<llama_logit_bias> biases;
    for (const auto& [token, bias] : p.logit_bias) biases.push_back({token, bias});
    Add(llama_sampler_init_logit_bias(size, static_cast<std::int32_t>(biases.size()),
                                      biases.data()));
    Add(llama_sampler_init_penalties(size, p.repeat_last_n, p.repeat_penalty, p.frequency_penalty,
                                     p.presence_penalty));
    if (p.temperature == 0) {
      Add(llama_sampler_init_greedy());
    } else {
      if (p.top_k > 0) Add(llama_sampler_init_top_k(p.top_k));
      Add(llama_sampler_init_top_p(p.top_p, 1));
      Add(llama_sampler_init_min_p(p.min_p, 1));
      Add(llama_sampler_init_temp_ext(p.temperature, p.dynatemp_range, p.dynatemp_exponent));
      Add(llama_sampler_init_dist(kSeed));
    }
    for (const Token token : c.past) llama_sampler_accept(chain_.get(), token);
  }

  Answer Pick(const std::vector<float>& row) {
    data_.clear();
    for (Token token = 0; token < static_cast<Token>(row.size()); ++token) {
      if (std::binary_search(case_.banned.begin(), case_.banned.end(), token)) continue;
      data_.push_back({token, row[static_cast<std::size_t>(token)], 0.0f});
    }
    llama_token_data_array array{data_.data(), data_.size(), -1, false};
    llama_sampler_apply(chain_.get(), &array);
    Answer answer;
    answer.token = array.data[array.selected].id;
    for (std::size_t i = 0; i < array.size && case_.params.temperature > 0; ++i) {
      answer.probabilities[array.data[i].id] = static_cast<double>(array.data[i].p);
    }
    Sort(&answer);
    llama_sampler_accept(chain_.get(), answer.token);
    return answer;
  }

 private:
  struct Deleter {
    void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
  };
  void Add(llama_sampler* sampler) { llama_sampler_chain_add(chain_.get(), sampler); }

  const Case case_;
  std::unique_ptr<llama_sampler, Deleter> chain_;
  std::vector<llama_token_data> data_;
};

Vocab VocabOf(std::size_t size) {
  Vocab vocab;
  vocab.pieces.resize(size);
  return vocab;
}

Answer PickOf(RowPicker* picker, const std::vector<float>& row, bool is_greedy) {
  Answer answer;
  answer.token = *picker->Pick(row.data(), nullptr);
  double sum = 0;
  for (const Candidate& c : picker->candidates()) sum += static_cast<double>(c.weight);
  for (const Candidate& c : picker->candidates()) {
    if (!is_greedy) answer.probabilities[c.token] = static_cast<double>(c.weight) / sum;
  }
  Sort(&answer);
  picker->Accept(answer.token);
  return answer;
}

double LargestDifference(const Answer& a, const Answer& b) {
  double largest = 0;
  for (const auto& [token, p] : a.probabilities) {
    const auto other = b.probabilities.find(token);
    largest = std::max(largest, std::abs(p - (other == b.probabilities.end() ? 0 : other->second)));
  }
  return largest;
}

double LargestDifferenceSorted(const Answer& a, const Answer& b) {
  double largest = 0;
  for (std::size_t i = 0; i < std::max(a.sorted.size(), b.sorted.size()); ++i) {
    const double p = i < a.sorted.size() ? a.sorted[i] : 0;
    largest = std::max(largest, std::abs(p - (i < b.sorted.size() ? b.sorted[i] : 0)));
  }
  return largest;
}

// llama.cpp sums in single precision, which over ten thousand candidates may keep one more or one
// less than p allows. That one, the least likely, is taken out; true when there was one.
bool EvenBorder(Answer* a, Answer* b) {
  if (a->probabilities.size() < b->probabilities.size()) std::swap(a, b);
  if (a->probabilities.size() != b->probabilities.size() + 1) return false;
  const auto least =
      std::min_element(a->probabilities.begin(), a->probabilities.end(),
                       [](const auto& x, const auto& y) { return x.second < y.second; });
  a->probabilities.erase(least);
  return true;
}

// `step` > 0 makes ties.
std::vector<float> RandomRow(std::size_t size, float width, float step, std::mt19937* random) {
  std::normal_distribution<float> normal(0.0f, width);
  std::vector<float> row(size);
  for (float& value : row) {
    value = normal(*random);
    if (step > 0) value = std::round(value / step) * step;
  }
  return row;
}

std::vector<Token> RandomTokens(std::size_t count, std::size_t size, std::mt19937* random) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<Token>((*random)() % size));
  }
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

Case RandomCase(std::size_t size, std::mt19937* random) {
  const auto pick = [random](std::vector<float> values) {
    return values[(*random)() % values.size()];
  };
  Case c;
  c.size = size;
  SamplingParams& p = c.params;
  p.temperature = pick({0.2f, 0.8f, 1.0f, 1.5f});
  p.top_k = static_cast<std::int32_t>(pick({0, 0, 1, 20, 40, 40, 500}));
  p.top_p = pick({1.0f, 0.95f, 0.8f, 0.3f});
  p.min_p = pick({0.0f, 0.05f, 0.5f});
  p.repeat_penalty = pick({1.0f, 1.1f, 1.8f});
  p.presence_penalty = pick({0.0f, 0.0f, 0.7f});
  p.frequency_penalty = pick({0.0f, 0.0f, -0.4f});
  p.repeat_last_n = static_cast<std::int32_t>(pick({0, 8, 64, 700}));
  p.dynatemp_range = pick({0.0f, 0.0f, 0.0f, 0.5f});
  if (p.top_k == 0 && p.top_p == 1.0f && p.min_p == 0.0f) p.dynatemp_range = 0;
  for (const Token token : RandomTokens((*random)() % 40, size, random)) {
    p.logit_bias.emplace_back(token, pick({-5.0f, 3.0f, 20.0f}));
  }
  if (pick({0, 1}) > 0) c.banned = RandomTokens(30, size, random);
  c.past = RandomTokens(900, size, random);
  return c;
}

const std::vector<std::size_t> kSizes = {1000, 4096, 32000, 151936, 262144};

}  // namespace

TEST(RowPickerAgainstChain, TheSameSeedPicksTheSameTokensWithTheSameProbabilities) {
  std::mt19937 random(1);
  int num_other = 0, num_borders = 0;
  for (const std::size_t size : kSizes) {
    const Vocab vocab = VocabOf(size);
    for (int run = 0; run < (size < 100000 ? 40 : 12); ++run) {
      const Case c = RandomCase(size, &random);
      ASSERT(RowPicker::Supports(c.params));
      Chain chain(c);
      RowPicker picker(c.params, &vocab, c.banned, kSeed);
      for (const Token token : c.past) picker.Accept(token);
      for (int step = 0; step < 4; ++step) {
        const std::vector<float> row = RandomRow(size, step < 2 ? 3.0f : 1.0f, 0, &random);
        Answer expected = chain.Pick(row);
        Answer answer = PickOf(&picker, row, false);
        if (answer.token != expected.token) {
          ++num_other;
          break;  // the penalties differ from here on
        }
        // Drawn from the whole row there is no list; then the tokens speak.
        if (answer.probabilities.empty()) continue;
        const bool may_differ = c.params.top_k == 0 && c.params.top_p < 1;
        if (may_differ && EvenBorder(&answer, &expected)) ++num_borders;
        EXPECT(LargestDifference(answer, expected) < 1e-5);
        EXPECT(LargestDifference(expected, answer) < 1e-5);
      }
    }
  }
  EXPECT_EQ(num_other, 0);
  EXPECT(num_borders <= 3);
}

TEST(RowPickerAgainstChain, GreedyPicksTheSameTokensAlsoAmongEquals) {
  std::mt19937 random(2);
  for (const std::size_t size : kSizes) {
    const Vocab vocab = VocabOf(size);
    for (int run = 0; run < 30; ++run) {
      Case c = RandomCase(size, &random);
      c.params.temperature = 0;
      Chain chain(c);
      RowPicker picker(c.params, &vocab, c.banned, kSeed);
      for (const Token token : c.past) picker.Accept(token);
      for (int step = 0; step < 3; ++step) {
        const std::vector<float> row = RandomRow(size, 2.0f, step == 0 ? 0.0f : 1.0f, &random);
        EXPECT_EQ(PickOf(&picker, row, true).token, chain.Pick(row).token);
      }
    }
  }
}

// Which of several equal logits stay is not defined there; how likely the ones that stay are, is.
TEST(RowPickerAgainstChain, TiesHaveTheSameProbabilities) {
  std::mt19937 random(3);
  for (const std::size_t size : {1000, 32000, 151936}) {
    const Vocab vocab = VocabOf(size);
    for (int run = 0; run < 20; ++run) {
      Case c = RandomCase(size, &random);
      c.params.logit_bias.clear();
      c.params.dynatemp_range = 0;
      Chain chain(c);
      RowPicker picker(c.params, &vocab, c.banned, kSeed);
      for (const Token token : c.past) picker.Accept(token);
      const std::vector<float> row = RandomRow(size, 2.0f, 0.5f, &random);
      const Answer answer = PickOf(&picker, row, false);
      if (answer.probabilities.empty()) continue;
      EXPECT(LargestDifferenceSorted(answer, chain.Pick(row)) < 1e-5);
    }
  }
}

TEST(RowPickerAgainstChain, TheWholeRowIsDrawnFromByProbability) {
  std::mt19937 random(4);
  Case c;
  c.size = 151936;
  c.params.top_k = 0;
  c.params.top_p = 1;
  c.params.min_p = 0;
  c.params.temperature = 1.2f;
  const Vocab vocab = VocabOf(c.size);
  Chain chain(c);
  RowPicker picker(c.params, &vocab, {}, kSeed);
  const std::vector<float> row = RandomRow(c.size, 3.0f, 0, &random);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(PickOf(&picker, row, false).token, chain.Pick(row).token);
  }
}
