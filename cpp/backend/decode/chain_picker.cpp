// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/chain_picker.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "backend/model/abort_guard.h"
#include "core/sampling/row_edits.h"
#include "core/sampling/row_scan.h"
#include "core/sampling/seed.h"
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

void AddTruncation(llama_sampler* chain, const SamplingParams& p, std::uint32_t seed) {
  if (p.top_k > 0) llama_sampler_chain_add(chain, llama_sampler_init_top_k(p.top_k));
  if (p.typical_p < 1.0f)
    llama_sampler_chain_add(chain, llama_sampler_init_typical(p.typical_p, 1));
  if (p.top_p < 1.0f) llama_sampler_chain_add(chain, llama_sampler_init_top_p(p.top_p, 1));
  if (p.min_p > 0.0f) llama_sampler_chain_add(chain, llama_sampler_init_min_p(p.min_p, 1));
  if (p.xtc_probability > 0.0f) {
    llama_sampler_chain_add(chain,
                            llama_sampler_init_xtc(p.xtc_probability, p.xtc_threshold, 1, seed));
  }
  llama_sampler_chain_add(
      chain, llama_sampler_init_temp_ext(p.temperature, p.dynatemp_range, p.dynatemp_exponent));
  llama_sampler_chain_add(chain, llama_sampler_init_dist(seed));
}

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
    AddTruncation(chain.get(), p, sampling::FoldSeed(p.seed));
  }
  return chain;
}

class ChainPicker : public sampling::Picker {
 public:
  ChainPicker(std::shared_ptr<const SamplingVocab> vocab, const Request& request,
              std::vector<Token> banned)
      : vocab_(std::move(vocab)),
        ignore_eos_(request.ignore_eos),
        banned_(std::move(banned)),
        chain_(MakeChain(request, *vocab_)) {}

  Result<Token> Pick(const float* logits, sampling::GrammarFilter* filter) override;
  void Accept(Token token) override { llama_sampler_accept(chain_.get(), token); }
  bool Skip() override { return false; }

 private:
  std::optional<Token> PickOf(const float* logits, const grammar::TokenMask* mask);

  const std::shared_ptr<const SamplingVocab> vocab_;
  const bool ignore_eos_;
  const std::vector<Token> banned_;  // ascending
  const ChainPtr chain_;
};

// Checks the sampled token first: most are allowed, and a mask of the vocabulary is expensive.
Result<Token> ChainPicker::Pick(const float* logits, sampling::GrammarFilter* filter) {
  thread_local sampling::RowScan row;
  row.Read(logits, vocab_->pieces.size());
  if (!row.is_finite()) return sampling::NotNumbers();
  const std::optional<Token> first = PickOf(logits, nullptr);
  if (!first) return sampling::NothingToChoose();
  if (filter == nullptr || filter->Allows(*first)) return *first;
  if (Status status = filter->status()) return *status;
  const grammar::TokenMask* allowed = filter->Mask();
  if (allowed == nullptr) return filter->status().value_or(sampling::NothingToChoose());
  grammar::TokenMask mask = *allowed;
  const bool must_end = filter->CanEnd() && mask.num_allowed == 0;
  if (must_end && !vocab_->end_tokens.empty()) return vocab_->end_tokens.front();
  if (filter->CanEnd() && !ignore_eos_) {
    for (const Token end : vocab_->end_tokens) mask.Add(end);
  }
  const std::optional<Token> second = PickOf(logits, &mask);
  if (!second) return sampling::NothingToChoose();
  return *second;
}

// nullopt when there is no candidate.
std::optional<Token> ChainPicker::PickOf(const float* logits, const grammar::TokenMask* mask) {
  // Per thread, so that this large list is not kept for each request.
  thread_local std::vector<llama_token_data> candidates;
  candidates.clear();
  auto next_banned = banned_.begin();
  for (Token token = 0; token < vocab_->size(); ++token) {
    if (next_banned != banned_.end() && *next_banned == token) {
      ++next_banned;
      continue;
    }
    if (mask != nullptr && !mask->Contains(token)) continue;
    candidates.push_back({token, logits[token], 0.0f});
  }
  if (candidates.empty()) return std::nullopt;
  llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
  try {
    const AbortGuard guard;
    llama_sampler_apply(chain_.get(), &array);
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
