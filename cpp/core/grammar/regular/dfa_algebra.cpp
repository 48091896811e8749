// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/dfa_algebra.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/grammar/regular/nfa.h"

namespace sentiric::grammar {
namespace {

enum class Operation : std::uint8_t { kIntersection, kUnion, kDifference };

// Pairs of states, one of which may be kNoState.
class Product {
 public:
  Product(const Dfa& x, const Dfa& y, Operation operation) : x_(x), y_(y), operation_(operation) {}

  Result<Dfa> Run(const DfaLimits& limits) {
    Find(Dfa::start(), Dfa::start());
    for (DfaState s = 0; s < pairs_.size(); ++s) {
      AddEdges(s);
      if (Status error = builder_.Check(limits)) return *error;
    }
    return builder_.Build();
  }

 private:
  bool Accepts(DfaState a, DfaState b) const {
    const bool in_x = a != kNoState && x_.accepts(a);
    const bool in_y = b != kNoState && y_.accepts(b);
    switch (operation_) {
      case Operation::kIntersection: return in_x && in_y;
      case Operation::kUnion: return in_x || in_y;
      case Operation::kDifference: break;
    }
    return in_x && !in_y;
  }

  bool IsDead(DfaState a, DfaState b) const {
    switch (operation_) {
      case Operation::kIntersection: return a == kNoState || b == kNoState;
      case Operation::kUnion: return a == kNoState && b == kNoState;
      case Operation::kDifference: break;
    }
    return a == kNoState;
  }

  DfaState Find(DfaState a, DfaState b) {
    const auto [entry, is_new] = known_.try_emplace(std::uint64_t{a} << 32 | b, 0);
    if (is_new) {
      entry->second = builder_.AddState(Accepts(a, b));
      pairs_.emplace_back(a, b);
    }
    return entry->second;
  }

  static DfaEdges EdgesOf(const Dfa& dfa, DfaState s) {
    return s == kNoState ? DfaEdges{} : dfa.edges(s);
  }

  // Walks both lists of ranges at once, from one place where either changes to the next.
  void AddEdges(DfaState s) {
    const auto [a, b] = pairs_[s];
    const DfaEdges of_a = EdgesOf(x_, a), of_b = EdgesOf(y_, b);
    const DfaEdge* i = of_a.begin();
    const DfaEdge* j = of_b.begin();
    for (CodePoint next = 0; i != of_a.end() || j != of_b.end();) {
      const bool in_a = i != of_a.end() && i->range.first <= next;
      const bool in_b = j != of_b.end() && j->range.first <= next;
      CodePoint last = kMaxCodePoint;
      if (i != of_a.end()) last = std::min(last, in_a ? i->range.last : i->range.first - 1);
      if (j != of_b.end()) last = std::min(last, in_b ? j->range.last : j->range.first - 1);
      const DfaState to_a = in_a ? i->target : kNoState, to_b = in_b ? j->target : kNoState;
      if ((in_a || in_b) && !IsDead(to_a, to_b)) {
        builder_.AddEdge(s, {next, last}, Find(to_a, to_b));
      }
      if (in_a && i->range.last == last) ++i;
      if (in_b && j->range.last == last) ++j;
      next = last + 1;
    }
  }

  const Dfa& x_;
  const Dfa& y_;
  const Operation operation_;
  DfaBuilder builder_;
  std::vector<std::pair<DfaState, DfaState>> pairs_;  // by state of the builder
  std::unordered_map<std::uint64_t, DfaState> known_;
};

// The state from which every text is accepted, or kNoState.
DfaState AllState(const Dfa& dfa) {
  const DfaEdges all = Dfa::All().edges(Dfa::start());
  for (DfaState s = 0; s < dfa.size(); ++s) {
    const DfaEdges edges = dfa.edges(s);
    const auto matches = [s](const DfaEdge& x, const DfaEdge& y) {
      return x.range == y.range && x.target == s;
    };
    if (dfa.accepts(s) && std::equal(edges.begin(), edges.end(), all.begin(), all.end(), matches))
      return s;
  }
  return kNoState;
}

// Copies the states; acceptance goes on to `match`. Returns the start.
NfaState AddDfa(const Dfa& dfa, NfaState match, Nfa* nfa) {
  // The first pass makes room: a state's entry is a split that is filled in by the second.
  const auto first = static_cast<NfaState>(nfa->size());
  for (DfaState s = 0; s < dfa.size(); ++s) nfa->Split(first + s, first + s);
  for (DfaState s = 0; s < dfa.size(); ++s) {
    NfaState chain = dfa.accepts(s) ? match : first + s;
    for (const DfaEdge& edge : dfa.edges(s)) {
      const NfaState chars = nfa->Chars(nfa->AddSet({edge.range}), first + edge.target);
      chain = nfa->Split(chars, chain);
    }
    (*nfa)[first + s].next = chain;
  }
  return first + Dfa::start();
}

// States in an order in which edges lead to earlier ones, without those that a cycle can be reached
// from.
std::vector<DfaState> FiniteStates(const Dfa& dfa) {
  std::vector<std::vector<DfaState>> sources(dfa.size());
  std::vector<std::size_t> open(dfa.size());
  std::vector<DfaState> order;
  for (DfaState s = 0; s < dfa.size(); ++s) {
    open[s] = dfa.edges(s).size();
    for (const DfaEdge& edge : dfa.edges(s)) sources[edge.target].push_back(s);
    if (open[s] == 0) order.push_back(s);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (DfaState source : sources[order[i]]) {
      if (--open[source] == 0) order.push_back(source);
    }
  }
  return order;
}

}  // namespace

Result<Dfa> Intersection(const Dfa& x, const Dfa& y, const DfaLimits& limits) {
  if (x == y || y.IsAll()) return x;
  if (x.IsAll()) return y;
  return Product(x, y, Operation::kIntersection).Run(limits);
}

Result<Dfa> Union(const Dfa& x, const Dfa& y, const DfaLimits& limits) {
  if (x == y || y.IsEmpty()) return x;
  if (x.IsEmpty()) return y;
  return Product(x, y, Operation::kUnion).Run(limits);
}

Result<Dfa> Difference(const Dfa& x, const Dfa& y, const DfaLimits& limits) {
  if (y.IsEmpty()) return x;
  if (x.IsAll()) return Complement(y, limits);
  return Product(x, y, Operation::kDifference).Run(limits);
}

// What is different in a minimal automaton stays different, so the result is minimal. It loses the
// state of all texts, and gets one for what has no edge.
Result<Dfa> Complement(const Dfa& x, const DfaLimits& limits) {
  if (x.IsEmpty()) return Dfa::All();
  if (x.IsAll()) return Dfa::None();
  DfaBuilder builder;
  for (DfaState s = 0; s < x.size(); ++s) builder.AddState(!x.accepts(s));
  const DfaState rest = builder.AddState(true);
  builder.AddEdge(rest, {0, kMaxCodePoint}, rest);
  const DfaState all = AllState(x);
  for (DfaState s = 0; s < x.size(); ++s) {
    CodePoint next = 0;
    for (const DfaEdge& edge : x.edges(s)) {
      if (edge.range.first > next) builder.AddEdge(s, {next, edge.range.first - 1}, rest);
      if (edge.target != all) builder.AddEdge(s, edge.range, edge.target);
      next = edge.range.last + 1;
    }
    if (next <= kMaxCodePoint) builder.AddEdge(s, {next, kMaxCodePoint}, rest);
  }
  if (Status error = builder.Check(limits)) return *error;
  return builder.BuildMinimal();
}

Result<Dfa> Concatenation(const Dfa& x, const Dfa& y, const DfaLimits& limits) {
  if (x.IsEmpty()) return x;
  Nfa nfa;
  const NfaState match = nfa.Match();
  const NfaState start_of_y = AddDfa(y, match, &nfa);
  return Determinize(nfa, AddDfa(x, start_of_y, &nfa), Extent::kWholeText, limits);
}

std::vector<std::uint32_t> WordCounts(const Dfa& dfa) {
  std::vector<std::uint32_t> counts(dfa.size(), kCountless);
  for (DfaState s : FiniteStates(dfa)) {
    std::uint64_t count = dfa.accepts(s) ? 1 : 0;
    for (const DfaEdge& edge : dfa.edges(s)) {
      count += std::uint64_t{counts[edge.target]} * (edge.range.last - edge.range.first + 1);
      count = std::min<std::uint64_t>(count, kCountless);
    }
    counts[s] = static_cast<std::uint32_t>(count);
  }
  return counts;
}

std::optional<std::uint64_t> CountWords(const Dfa& dfa) {
  const std::uint32_t count = WordCounts(dfa)[Dfa::start()];
  return count == kCountless ? std::nullopt : std::optional<std::uint64_t>(count);
}

std::vector<std::string> Words(const Dfa& dfa, std::size_t limit) {
  struct Beginning {
    std::uint32_t whole;  // length of the shortest text that begins so
    std::string text;
    DfaState state;
    std::uint32_t length;
    bool operator<(const Beginning& other) const {
      return whole != other.whole ? whole < other.whole : text < other.text;
    }
  };
  const std::vector<std::uint32_t> rest = MinLengths(dfa);
  std::vector<std::string> words;
  std::set<Beginning> todo;
  if (!dfa.IsEmpty()) todo.insert({rest[Dfa::start()], "", Dfa::start(), 0});
  while (!todo.empty() && words.size() < limit) {
    const Beginning best = *todo.begin();
    todo.erase(todo.begin());
    if (dfa.accepts(best.state)) words.push_back(best.text);
    for (const DfaEdge& edge : dfa.edges(best.state)) {
      const std::uint32_t length = best.length + 1;
      const auto last = std::min<std::size_t>(edge.range.last, edge.range.first + limit);
      for (CodePoint c = edge.range.first; c <= last; ++c) {
        Beginning next = {length + rest[edge.target], best.text, edge.target, length};
        AppendUtf8(c, &next.text);
        todo.insert(std::move(next));
        // Each stands for a text at least.
        if (todo.size() > limit) todo.erase(std::prev(todo.end()));
      }
    }
  }
  return words;
}

std::vector<std::uint32_t> MinLengths(const Dfa& dfa) {
  std::vector<std::vector<DfaState>> sources(dfa.size());
  std::vector<std::uint32_t> lengths(dfa.size(), UINT32_MAX);
  std::vector<DfaState> order;
  for (DfaState s = 0; s < dfa.size(); ++s) {
    for (const DfaEdge& edge : dfa.edges(s)) sources[edge.target].push_back(s);
    if (!dfa.accepts(s)) continue;
    lengths[s] = 0;
    order.push_back(s);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (DfaState source : sources[order[i]]) {
      if (lengths[source] != UINT32_MAX) continue;
      lengths[source] = lengths[order[i]] + 1;
      order.push_back(source);
    }
  }
  return lengths;
}

std::vector<std::uint32_t> MaxLengths(const Dfa& dfa) {
  std::vector<std::uint32_t> lengths(dfa.size(), UINT32_MAX);
  if (dfa.IsEmpty()) return lengths;
  for (DfaState s : FiniteStates(dfa)) {
    std::uint32_t longest = 0;
    for (const DfaEdge& edge : dfa.edges(s)) longest = std::max(longest, lengths[edge.target] + 1);
    lengths[s] = longest;
  }
  return lengths;
}

}  // namespace sentiric::grammar
