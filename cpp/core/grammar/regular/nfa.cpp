// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/nfa.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/grammar/regular/alphabet.h"
#include "core/grammar/regular/character_classes.h"

namespace sentiric::grammar {
namespace {

constexpr std::size_t kMaxSteps = 5'000'000;  // states of the NFA looked at

// What assertions see of the character before or behind a place. Kinds that the automaton does not
// tell apart are all kOther.
enum class Side : std::uint8_t { kOther, kWord, kNone };

bool Holds(Assertion assertion, Side before, Side behind) {
  const bool boundary = (before == Side::kWord) != (behind == Side::kWord);
  switch (assertion) {
    case Assertion::kStart: return before == Side::kNone;
    case Assertion::kEnd: return behind == Side::kNone;
    case Assertion::kWordBoundary: return boundary;
    case Assertion::kNotWordBoundary: break;
  }
  return !boundary;
}

struct VectorHash {
  std::size_t operator()(const std::vector<std::uint32_t>& values) const {
    std::uint64_t hash = values.size();
    for (std::uint32_t value : values) {
      hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
      hash ^= hash >> 29;
    }
    return hash;
  }
};

// A state of the result is the set of NFA states behind a character, before anything that takes no
// character is followed, since assertions depend on the next character.
class Subsets {
 public:
  Subsets(const Nfa& nfa, NfaState start, Extent extent)
      : nfa_(nfa), start_(start), is_part_(extent == Extent::kPart), seen_(nfa.size()) {
    for (NfaState s = 0; s < nfa.size(); ++s) {
      if (nfa[s].kind != Nfa::Kind::kAssertion) continue;
      const Assertion assertion = nfa[s].assertion;
      has_words_ |=
          assertion == Assertion::kWordBoundary || assertion == Assertion::kNotWordBoundary;
      has_start_ |= assertion == Assertion::kStart;
      has_end_ |= assertion == Assertion::kEnd;
    }
  }

  Result<Dfa> Run(const DfaLimits& limits) {
    if (Status error = FindAlphabet()) return *error;
    Find({start_}, has_start_ ? Side::kNone : Side::kOther);
    for (DfaState s = 0; s < builder_.size(); ++s) {
      if (s == all_) continue;
      Expand(s);
      if (Status error = builder_.Check(limits)) return *error;
      if (steps_ > kMaxSteps) return TooMany("steps to compile a pattern", steps_, kMaxSteps);
    }
    return builder_.Build();
  }

 private:
  Status FindAlphabet() {
    std::vector<std::vector<CodeRange>> sets = nfa_.sets();
    if (is_part_) sets.push_back(Normalize({{0, kMaxCodePoint}}));
    if (has_words_) sets.push_back(WordCharacters());
    Result<Alphabet> alphabet = SplitIntoSymbols(sets);
    if (!alphabet) return alphabet.error();
    alphabet_ = std::move(*alphabet);
    side_.assign(alphabet_.ranges.size(), Side::kOther);
    if (has_words_) {
      for (Symbol symbol : alphabet_.of_set.back()) side_[symbol] = Side::kWord;
    }
    targets_.resize(alphabet_.ranges.size());
    return std::nullopt;
  }

  // `kernel` need not be sorted. The side is kept with it as a last element.
  DfaState Find(std::vector<std::uint32_t> kernel, Side before) {
    std::sort(kernel.begin(), kernel.end());
    kernel.erase(std::unique(kernel.begin(), kernel.end()), kernel.end());
    kernel.push_back(static_cast<std::uint32_t>(before));
    const auto [entry, is_new] = known_.try_emplace(std::move(kernel), 0);
    if (is_new) {
      entry->second = builder_.AddState();
      kernels_.resize(builder_.size());
      kernels_[entry->second] = &entry->first;
    }
    return entry->second;
  }

  DfaState FindAll() {
    if (all_ == kNoState) {
      all_ = builder_.AddState(true);
      builder_.AddEdge(all_, {0, kMaxCodePoint}, all_);
    }
    return all_;
  }

  // Follows what takes no character. Returns whether the match is reached; kChars go to chars_.
  bool Close(const std::vector<std::uint32_t>& kernel, Side behind) {
    const auto before = static_cast<Side>(kernel.back());
    bool matched = false;
    ++round_;
    chars_.clear();
    todo_.assign(kernel.begin(), kernel.end() - 1);
    for (; !todo_.empty(); ++steps_) {
      const NfaState s = todo_.back();
      todo_.pop_back();
      if (std::exchange(seen_[s], round_) == round_) continue;
      const Nfa::State& state = nfa_[s];
      switch (state.kind) {
        case Nfa::Kind::kMatch: matched = true; break;
        case Nfa::Kind::kChars: chars_.push_back(s); break;
        case Nfa::Kind::kSplit:
          todo_.push_back(state.other);
          todo_.push_back(state.next);
          break;
        case Nfa::Kind::kAssertion:
          if (Holds(state.assertion, before, behind)) todo_.push_back(state.next);
          break;
      }
    }
    return matched;
  }

  void Expand(DfaState s) {
    const std::vector<std::uint32_t>& kernel = *kernels_[s];
    const bool matched = Close(kernel, Side::kOther);
    if (has_words_ || has_end_) {
      AddEdges(s, matched, Side::kOther);
      if (has_words_) AddEdges(s, Close(kernel, Side::kWord), Side::kWord);
      if (Close(kernel, Side::kNone)) builder_.SetAccepts(s);
    } else {
      if (matched) builder_.SetAccepts(s);
      AddEdges(s, matched, Side::kOther);
    }
  }

  // The edges of symbols on this side, from chars_.
  void AddEdges(DfaState s, bool matched, Side side) {
    if (is_part_ && matched) {
      for (Symbol symbol = 0; symbol < side_.size(); ++symbol) {
        if (side_[symbol] == side) AddEdge(s, symbol, FindAll());
      }
      return;
    }
    for (NfaState c : chars_) {
      for (Symbol symbol : alphabet_.of_set[nfa_[c].chars]) {
        if (side_[symbol] != side) continue;
        if (targets_[symbol].empty()) touched_.push_back(symbol);
        targets_[symbol].push_back(nfa_[c].next);
        ++steps_;
      }
    }
    if (is_part_) {
      touched_.clear();
      for (Symbol symbol = 0; symbol < side_.size(); ++symbol) {
        if (side_[symbol] != side) continue;
        targets_[symbol].push_back(start_);
        touched_.push_back(symbol);
      }
    }
    const Side before = has_words_ ? side : Side::kOther;
    for (Symbol symbol : touched_) {
      AddEdge(s, symbol, Find(std::exchange(targets_[symbol], {}), before));
    }
    touched_.clear();
  }

  void AddEdge(DfaState s, Symbol symbol, DfaState target) {
    for (CodeRange range : alphabet_.ranges[symbol]) builder_.AddEdge(s, range, target);
  }

  const Nfa& nfa_;
  const NfaState start_;
  const bool is_part_;
  bool has_words_ = false, has_start_ = false, has_end_ = false;
  Alphabet alphabet_;
  std::vector<Side> side_;  // by symbol
  DfaBuilder builder_;
  DfaState all_ = kNoState;  // behind a match of a part, any text may follow
  std::unordered_map<std::vector<std::uint32_t>, DfaState, VectorHash> known_;
  std::vector<const std::vector<std::uint32_t>*> kernels_;  // by state; keys of known_ stay put
  std::vector<std::vector<NfaState>> targets_;              // by symbol, of the state in hand
  std::vector<Symbol> touched_;                             // symbols with targets
  std::vector<std::uint32_t> seen_;                         // by NFA state: the last round
  std::uint32_t round_ = 0;
  std::vector<NfaState> todo_, chars_;
  std::size_t steps_ = 0;
};

}  // namespace

std::uint32_t Nfa::AddSet(std::vector<CodeRange> chars) {
  const auto [entry, is_new] =
      known_sets_.try_emplace(std::move(chars), static_cast<std::uint32_t>(sets_.size()));
  if (is_new) sets_.push_back(entry->first);
  return entry->second;
}

Result<Dfa> Determinize(const Nfa& nfa, NfaState start, Extent extent, const DfaLimits& limits) {
  return Subsets(nfa, start, extent).Run(limits);
}

}  // namespace sentiric::grammar
