// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/chain_sampler.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "backend/abort_guard.h"
#include "backend/logits_scan.h"
#include "core/grammar/matcher.h"
#include "llama.h"

namespace sentiric::backend {
namespace {

struct SamplerDeleter {
  void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
};
using ChainPtr = std::unique_ptr<llama_sampler, SamplerDeleter>;

constexpr float kBanBelow = -100.0f;

std::uint32_t FoldSeed(std::uint64_t seed) {
  if (seed == kRandomSeed) seed = (std::uint64_t{std::random_device{}()} << 32) | 1u;
  const auto folded = static_cast<std::uint32_t>(seed ^ (seed >> 32));
  return folded == LLAMA_DEFAULT_SEED ? 0 : folded;  // that value means "draw one" to the library
}

// Tokens that must never be chosen. They are left out of the candidates: as candidates of
// probability zero they would turn the entropy that typical_p computes into NaN.
std::vector<Token> Banned(const Request& request, const SamplingVocab& vocab) {
  std::vector<Token> banned;
  for (const auto& [token, bias] : request.sampling.logit_bias) {
    if (bias <= kBanBelow) banned.push_back(token);
  }
  if (request.ignore_eos) {
    banned.insert(banned.end(), vocab.end_tokens.begin(), vocab.end_tokens.end());
  }
  std::sort(banned.begin(), banned.end());
  banned.erase(std::unique(banned.begin(), banned.end()), banned.end());
  return banned;
}

std::vector<llama_logit_bias> Biases(const Request& request) {
  std::vector<llama_logit_bias> biases;
  for (const auto& [token, bias] : request.sampling.logit_bias) {
    if (bias > kBanBelow) biases.push_back({token, bias});
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
    AddMirostat(chain.get(), p, FoldSeed(p.seed), vocab.size());
  } else {
    AddTruncation(chain.get(), p, FoldSeed(p.seed));
  }
  return chain;
}

class ChainSampler : public TokenSampler {
 public:
  ChainSampler(std::shared_ptr<const SamplingVocab> vocab, const Request& request,
               const PreparedPrompt& prompt)
      : vocab_(std::move(vocab)),
        top_logprobs_(request.sampling.top_logprobs),
        ignore_eos_(request.ignore_eos),
        banned_(Banned(request, *vocab_)),
        chain_(MakeChain(request, *vocab_)) {
    if (prompt.grammar) matcher_.emplace(prompt.grammar);
    // Penalties look back at the prompt, too.
    const auto memory = static_cast<std::size_t>(
        std::max(request.sampling.repeat_last_n, request.sampling.dry_penalty_last_n));
    const std::size_t first = prompt.tokens.size() - std::min(memory, prompt.tokens.size());
    for (std::size_t i = first; i < prompt.tokens.size(); ++i) {
      llama_sampler_accept(chain_.get(), prompt.tokens[i]);
    }
  }

  Result<SampledToken> Sample(const float* logits) override;

 private:
  std::optional<Token> Pick(const float* logits, const grammar::TokenMask* mask);
  bool IsAllowed(Token token);
  Result<Token> PickAllowed(const float* logits);

  const std::shared_ptr<const SamplingVocab> vocab_;
  const std::int32_t top_logprobs_;
  const bool ignore_eos_;
  const std::vector<Token> banned_;  // ascending
  const ChainPtr chain_;
  std::optional<grammar::Matcher> matcher_;
};

Result<SampledToken> ChainSampler::Sample(const float* logits) {
  if (!AllFinite(logits, vocab_->pieces.size())) {
    return Error{ErrorCode::kNumeric, "logits", "the model produced NaN or infinite values"};
  }
  const Result<Token> picked = PickAllowed(logits);
  if (!picked) return picked.error();
  const auto index = static_cast<std::size_t>(*picked);
  SampledToken sampled;
  sampled.token = *picked;
  sampled.is_end = vocab_->is_end[index];
  sampled.piece = vocab_->pieces[index];
  if (top_logprobs_ >= 0) {
    sampled.logprob = LogprobsOf(logits, vocab_->pieces, sampled.token, top_logprobs_);
  }
  llama_sampler_accept(chain_.get(), sampled.token);
  if (matcher_ && !sampled.is_end && !matcher_->Advance(sampled.piece)) {
    return matcher_->error().value_or(
        Error{ErrorCode::kInternal, "grammar", "the sampled token leaves the grammar"});
  }
  return sampled;
}

// Checks the sampled token first: most are allowed, and a mask of the whole vocabulary is dear.
Result<Token> ChainSampler::PickAllowed(const float* logits) {
  const Error stuck{ErrorCode::kInternal, "sampling", "no token can be chosen"};
  const std::optional<Token> first = Pick(logits, nullptr);
  if (!first) return stuck;
  if (!matcher_ || IsAllowed(*first)) return *first;
  if (Status status = matcher_->error()) return *status;
  const auto allowed = vocab_->trie->Allowed(&*matcher_);
  if (!allowed) return allowed.error();
  grammar::TokenMask mask = **allowed;
  const bool must_end = matcher_->CanEnd() && mask.num_allowed == 0;
  if (must_end && !vocab_->end_tokens.empty()) return vocab_->end_tokens.front();
  if (matcher_->CanEnd() && !ignore_eos_) {
    for (const Token end : vocab_->end_tokens) mask.Add(end);
  }
  const std::optional<Token> second = Pick(logits, &mask);
  if (!second) return stuck;
  return *second;
}

bool ChainSampler::IsAllowed(Token token) {
  const auto index = static_cast<std::size_t>(token);
  if (vocab_->is_end[index]) return matcher_->CanEnd();
  const std::string& piece = vocab_->pieces[index];
  return !piece.empty() && matcher_->Accepts(piece);
}

// nullopt when no candidate is left.
std::optional<Token> ChainSampler::Pick(const float* logits, const grammar::TokenMask* mask) {
  // Used by one thread at a time, so that a vocabulary's worth of candidates is kept once.
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

Result<std::unique_ptr<TokenSampler>> ChainSamplerFactory::Create(const Request& request,
                                                                  const PreparedPrompt& prompt) {
  return std::unique_ptr<TokenSampler>(std::make_unique<ChainSampler>(vocab_, request, prompt));
}

}  // namespace sentiric::backend
