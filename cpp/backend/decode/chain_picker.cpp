// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/chain_picker.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <random>

#include "backend/model/abort_guard.h"
#include "core/sampling/row_edits.h"
#include "core/sampling/row_scan.h"
#include "core/sampling/seed.h"
#include "core/sampling/token_bans.h"
#include "core/sampling/truncation.h"
#include "llama.h"

namespace sentiric::backend {
namespace {

struct SamplerDeleter {
  void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
};
using ChainPtr = std::unique_ptr<llama_sampler, SamplerDeleter>;

std::vector<llama_logit_bias> Biases(const Request& request) {
  std::vector<llama_logit_bias> biases;
  for (const auto& [token, bias] : request.sampling.logit_bias) {
    if (bias > sampling::kBanBelow) biases.push_back({token, bias});
  }
  return biases;
}

void AddPenalties(llama_sampler* chain, const Request& request, const SamplingVocab& vocab) {
  const SamplingParams& p = request.sampling;
  const std::vector<llama_logit_bias> biases = Biases(request);
  if (!biases.empty()) {
    llama_sampler_chain_add(
        chain, llama_sampler_init_logit_bias(vocab.size(), static_cast<std::int32_t>(biases.size()),
                                             biases.data()));
  }
  const bool penalizes =
      p.repeat_penalty != 1.0f || p.frequency_penalty != 0.0f || p.presence_penalty != 0.0f;
  if (penalizes && p.repeat_last_n > 0) {
    llama_sampler_chain_add(
        chain, llama_sampler_init_penalties(vocab.size(), p.repeat_last_n, p.repeat_penalty,
                                            p.frequency_penalty, p.presence_penalty));
  }
  if (p.dry_multiplier > 0.0f) {
    std::vector<const char*> breakers;
    for (const std::string& breaker : p.dry_sequence_breakers) breakers.push_back(breaker.c_str());
    llama_sampler_chain_add(
        chain,
        llama_sampler_init_dry(vocab.vocab, p.dry_multiplier, p.dry_base, p.dry_allowed_length,
                               p.dry_penalty_last_n, breakers.data(), breakers.size()));
  }
}

void AddMirostat(llama_sampler* chain, const SamplingParams& p, std::uint32_t seed,
                 std::int32_t num_vocab) {
  llama_sampler_chain_add(chain, llama_sampler_init_temp(p.temperature));
  llama_sampler_chain_add(
      chain, p.mirostat == 1
                 ? llama_sampler_init_mirostat(num_vocab, seed, p.mirostat_tau, p.mirostat_eta, 100)
                 : llama_sampler_init_mirostat_v2(seed, p.mirostat_tau, p.mirostat_eta));
}

void AddTruncation(llama_sampler* chain, const SamplingParams& p) {
  if (p.top_k > 0) llama_sampler_chain_add(chain, llama_sampler_init_top_k(p.top_k));
  if (p.typical_p < 1.0f)
    llama_sampler_chain_add(chain, llama_sampler_init_typical(p.typical_p, 1));
  if (p.top_p < 1.0f) llama_sampler_chain_add(chain, llama_sampler_init_top_p(p.top_p, 1));
  if (p.min_p > 0.0f) llama_sampler_chain_add(chain, llama_sampler_init_min_p(p.min_p, 1));
}

// All that draws nothing, or all of mirostat, which draws by itself.
ChainPtr MakeChain(const Request& request, const SamplingVocab& vocab) {
  llama_sampler_chain_params params = llama_sampler_chain_default_params();
  params.no_perf = true;
  ChainPtr chain(llama_sampler_chain_init(params));
  AddPenalties(chain.get(), request, vocab);
  const SamplingParams& p = request.sampling;
  if (p.temperature == 0.0f) {
    llama_sampler_chain_add(chain.get(), llama_sampler_init_greedy());
  } else if (p.mirostat != 0) {
    AddMirostat(chain.get(), p, sampling::FoldSeed(p.seed), vocab.size());
  } else {
    AddTruncation(chain.get(), p);
  }
  return chain;
}

// llama.cpp's draw.
std::size_t Draw(const llama_token_data_array& array, double number) {
  float best = -INFINITY;
  for (std::size_t i = 0; i < array.size; ++i) best = std::max(best, array.data[i].logit);
  double sum = 0;
  for (std::size_t i = 0; i < array.size; ++i) {
    float& weight = array.data[i].p;
    weight = std::exp(array.data[i].logit - best);
    sum += static_cast<double>(weight);
  }
  double until = 0;
  for (std::size_t i = 0; i < array.size; ++i) {
    until += static_cast<double>(array.data[i].p);
    if (until >= sum * number) return i;
  }
  return array.size - 1;
}

// The random part of the chain: XTC, temperature, the draw. llama.cpp's samplers take a number each
// time they are applied, XTC only when candidates are left to it. Here each token takes one number
// for XTC and one for the draw, whatever its logits are, so that tokens can be passed over.
class RandomEnd {
 public:
  explicit RandomEnd(const SamplingParams& p)
      : xtc_probability_(p.xtc_probability),
        // Here it always applies; NextToken decides.
        xtc_(llama_sampler_init_xtc(1.0f, p.xtc_threshold, 1, 0)),
        heat_(llama_sampler_init_temp_ext(p.temperature, p.dynatemp_range, p.dynatemp_exponent)),
        draws_(sampling::FoldSeed(p.seed)),
        chances_(draws_) {}

  // Takes the numbers of the next token.
  void NextToken() {
    number_ = sampling::DrawUniform(&draws_);
    const float chance = std::uniform_real_distribution<float>(0.0f, 1.0f)(chances_);
    has_xtc_ = xtc_probability_ > 0.0f && chance <= xtc_probability_;
  }
  // Another number for the draw. Those of later tokens stay what they are.
  void DrawAgain() {
    std::mt19937 peek = draws_;
    std::mt19937 other(peek());
    number_ = sampling::DrawUniform(&other);
  }
  void Apply(llama_token_data_array* array) const {
    if (has_xtc_) llama_sampler_apply(xtc_.get(), array);
    llama_sampler_apply(heat_.get(), array);
    array->selected = static_cast<std::int64_t>(Draw(*array, number_));
  }

 private:
  const float xtc_probability_;
  const ChainPtr xtc_, heat_;
  std::mt19937 draws_, chances_;  // of one seed, as llama.cpp's samplers
  double number_ = 0;
  bool has_xtc_ = false;
};

std::optional<RandomEnd> MakeRandomEnd(const SamplingParams& p) {
  if (p.temperature == 0.0f || p.mirostat != 0) return std::nullopt;
  return std::make_optional<RandomEnd>(p);
}

class ChainPicker : public sampling::Picker {
 public:
  ChainPicker(std::shared_ptr<const SamplingVocab> vocab, const Request& request,
              std::vector<Token> banned)
      : vocab_(std::move(vocab)),
        ignore_eos_(request.ignore_eos),
        always_banned_(std::move(banned)),
        banned_(always_banned_),
        view_(vocab_.get(), request),
        listed_(sampling::ListedTokens(request.sampling, view_.end_tokens())),
        can_skip_(request.sampling.temperature == 0.0f || request.sampling.mirostat == 0),
        chain_(MakeChain(request, *vocab_)),
        random_(MakeRandomEnd(request.sampling)) {}

  Result<Token> Pick(const float* logits, sampling::GrammarFilter* filter) override;
  void Ban(const std::vector<Token>& tokens) override {
    banned_.clear();
    std::set_union(always_banned_.begin(), always_banned_.end(), tokens.begin(), tokens.end(),
                   std::back_inserter(banned_));
  }
  void Accept(Token token) override { llama_sampler_accept(chain_.get(), token); }
  bool Skip() override {
    if (random_) random_->NextToken();
    return can_skip_;
  }

 private:
  std::optional<Token> PickOf(const float* logits, const grammar::TokenMask* mask);

  const std::shared_ptr<const SamplingVocab> vocab_;
  const bool ignore_eos_;
  const std::vector<Token> always_banned_;
  std::vector<Token> banned_;  // ascending
  const sampling::VocabView view_;
  const std::vector<Token> listed_;  // with allowed_tokens: what may be chosen, ascending
  const bool can_skip_;
  const ChainPtr chain_;
  std::optional<RandomEnd> random_;  // none: the chain selects
};

// Checks the sampled token first: most are allowed, and a mask of the vocabulary is expensive.
Result<Token> ChainPicker::Pick(const float* logits, sampling::GrammarFilter* filter) {
  thread_local sampling::RowScan row;
  row.Read(logits, vocab_->pieces.size());
  if (!row.is_finite()) return sampling::NotNumbers();
  if (random_) random_->NextToken();
  const std::optional<Token> first = PickOf(logits, nullptr);
  if (!first && filter == nullptr)
    return listed_.empty() ? sampling::NothingToChoose() : sampling::NothingListed();
  if (first && (filter == nullptr || filter->Allows(*first))) return *first;
  if (Status status = filter->status()) return *status;
  const grammar::TokenMask* allowed = filter->Mask();
  if (allowed == nullptr) return filter->status().value_or(sampling::NothingToChoose());
  grammar::TokenMask mask = *allowed;
  const bool must_end = filter->CanEnd() && mask.num_allowed == 0;
  if (must_end && !view_.end_tokens().empty()) return view_.end_tokens().front();
  if (filter->CanEnd() && !ignore_eos_) {
    for (const Token end : view_.end_tokens()) mask.Add(end);
  }
  if (random_) random_->DrawAgain();
  const std::optional<Token> second = PickOf(logits, &mask);
  if (second) return *second;
  if (!listed_.empty()) return sampling::NothingListed();
  const bool has_bans = banned_.size() > always_banned_.size();
  return sampling::NothingAllowed(allowed->num_allowed, has_bans ? "bad_words" : "logit_bias");
}

// nullopt when there is no candidate.
std::optional<Token> ChainPicker::PickOf(const float* logits, const grammar::TokenMask* mask) {
  // Per thread, so that this large list is not kept for each request.
  thread_local std::vector<llama_token_data> candidates;
  candidates.clear();
  auto next_banned = banned_.begin();
  const auto num_listed = static_cast<Token>(listed_.size());
  const Token count = num_listed == 0 ? vocab_->size() : num_listed;
  for (Token i = 0; i < count; ++i) {
    const Token token = num_listed == 0 ? i : listed_[static_cast<std::size_t>(i)];
    while (next_banned != banned_.end() && *next_banned < token) ++next_banned;
    if (next_banned != banned_.end() && *next_banned == token) continue;
    if (mask != nullptr && !mask->Contains(token)) continue;
    candidates.push_back({token, logits[token], 0.0f});
  }
  if (candidates.empty()) return std::nullopt;
  llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
  try {
    const AbortGuard guard;
    llama_sampler_apply(chain_.get(), &array);
    if (random_) random_->Apply(&array);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (array.selected < 0 || static_cast<std::size_t>(array.selected) >= array.size)
    return std::nullopt;
  const llama_token_data& chosen = array.data[array.selected];
  if (chosen.logit == -INFINITY) return std::nullopt;
  return chosen.id;
}

}  // namespace

std::unique_ptr<sampling::Picker> MakeChainPicker(std::shared_ptr<const SamplingVocab> vocab,
                                                  const Request& request,
                                                  std::vector<Token> banned) {
  return std::make_unique<ChainPicker>(std::move(vocab), request, std::move(banned));
}

}  // namespace sentiric::backend
