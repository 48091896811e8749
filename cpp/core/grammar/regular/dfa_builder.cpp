// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/dfa_builder.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "core/grammar/regular/minimize.h"

namespace sentiric::grammar {
namespace {

// Appends the edge, joined with the one before where both are one range.
void AppendJoined(const DfaEdge& edge, std::size_t first, std::vector<DfaEdge>* edges) {
  if (edges->size() > first && edges->back().target == edge.target &&
      edge.range.first <= edges->back().range.last + 1) {
    edges->back().range.last = std::max(edges->back().range.last, edge.range.last);
  } else {
    edges->push_back(edge);
  }
}

std::size_t Mix(std::size_t hash, std::size_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29);
}

}  // namespace

Error TooMany(const char* what, std::size_t got, std::size_t allowed) {
  return {ErrorCode::kInvalidGrammar, "texts",
          std::string("too many ") + what + "; got " + std::to_string(got) + " or more, allowed " +
              std::to_string(allowed) + "; make the pattern smaller or lower its bounds"};
}

DfaState DfaBuilder::AddState(bool accepts) {
  accepts_.push_back(accepts);
  return static_cast<DfaState>(accepts_.size() - 1);
}

void DfaBuilder::AddEdge(DfaState from, CodeRange range, DfaState target) {
  ++num_edges_;
  if (range.last < kFirstSurrogate || range.first > kLastSurrogate) {
    added_.push_back({from, {range, target}});
  } else {
    for (CodeRange part : Normalize({range})) added_.push_back({from, {part, target}});
  }
}

Status DfaBuilder::Check(const DfaLimits& limits) const {
  if (size() > limits.states) return TooMany("states", size(), limits.states);
  if (num_edges_ > limits.edges) return TooMany("edges", num_edges_, limits.edges);
  return std::nullopt;
}

// Sorted by state and range, and joined where edges are one range.
EdgeLists DfaBuilder::Normalized() const {
  std::vector<std::uint32_t> next(size() + 1);  // by state: where its next edge goes
  for (const AddedEdge& added : added_) ++next[added.from + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<DfaEdge> edges(added_.size());
  for (const AddedEdge& added : added_) edges[next[added.from]++] = added.edge;
  EdgeLists lists;
  lists.edges.reserve(edges.size());
  const auto by_range = [](const DfaEdge& x, const DfaEdge& y) { return x.range < y.range; };
  auto begin = edges.begin();
  for (DfaState s = 0; s < size(); ++s) {
    const auto end = edges.begin() + next[s];
    if (!std::is_sorted(begin, end, by_range)) std::sort(begin, end, by_range);
    lists.first.push_back(static_cast<std::uint32_t>(lists.edges.size()));
    for (; begin != end; ++begin) AppendJoined(*begin, lists.first.back(), &lists.edges);
  }
  lists.first.push_back(static_cast<std::uint32_t>(lists.edges.size()));
  return lists;
}

// The states that are reached from the start and from which an accepting one is reached.
std::vector<bool> DfaBuilder::Useful(const EdgeLists& lists, DfaState start) const {
  std::vector<bool> reached(size()), useful(size());
  std::vector<DfaState> todo = {start}, accepting;
  reached[start] = true;
  while (!todo.empty()) {
    const DfaState s = todo.back();
    todo.pop_back();
    if (accepts_[s]) accepting.push_back(s);
    for (const DfaEdge& edge : lists.of(s)) {
      if (!reached[edge.target]) todo.push_back(edge.target);
      reached[edge.target] = true;
    }
  }
  const SourceLists sources(lists);
  for (DfaState s : accepting) useful[s] = true;
  for (todo = std::move(accepting); !todo.empty();) {
    const DfaState s = todo.back();
    todo.pop_back();
    for (std::uint32_t i = sources.first[s]; i < sources.first[s + 1]; ++i) {
      const DfaState source = sources.sources[i];
      if (!reached[source] || useful[source]) continue;
      useful[source] = true;
      todo.push_back(source);
    }
  }
  return useful;
}

void DfaBuilder::Compact(const std::vector<bool>& useful, EdgeLists* lists, DfaState* start) {
  std::vector<DfaState> number(size(), kNoState);
  DfaState next = 0;
  for (DfaState s = 0; s < size(); ++s) {
    if (useful[s]) number[s] = next++;
  }
  if (next == size()) return;
  EdgeLists kept;
  for (DfaState s = 0; s < size(); ++s) {
    if (!useful[s]) continue;
    kept.first.push_back(static_cast<std::uint32_t>(kept.edges.size()));
    for (const DfaEdge& edge : lists->of(s)) {
      if (useful[edge.target]) kept.edges.push_back({edge.range, number[edge.target]});
    }
    accepts_[number[s]] = accepts_[s];
  }
  kept.first.push_back(static_cast<std::uint32_t>(kept.edges.size()));
  *lists = std::move(kept);
  accepts_.resize(next);
  *start = number[*start];
}

Dfa DfaBuilder::Number(const EdgeLists& lists, const std::vector<std::uint32_t>& class_of,
                       DfaState start) const {
  auto table = std::make_shared<Dfa::Table>();
  table->work = num_edges_;
  std::vector<DfaState> number(size() + 1, kNoState);  // by class, one of which may be unused
  std::vector<DfaState> order = {start};               // a state of each class
  number[class_of[start]] = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t first = table->edges.size();
    table->first_edge.push_back(static_cast<std::uint32_t>(first));
    table->accepts.push_back(accepts_[order[i]]);
    table->hash = Mix(table->hash, accepts_[order[i]] ? 2 : 1);
    for (const DfaEdge& edge : lists.of(order[i])) {
      DfaState& target = number[class_of[edge.target]];
      if (target == kNoState) {
        target = static_cast<DfaState>(order.size());
        order.push_back(edge.target);
      }
      AppendJoined({edge.range, target}, first, &table->edges);
    }
    for (std::size_t e = first; e < table->edges.size(); ++e) {
      const DfaEdge& edge = table->edges[e];
      table->hash = Mix(Mix(Mix(table->hash, edge.range.first), edge.range.last), edge.target);
    }
  }
  table->first_edge.push_back(static_cast<std::uint32_t>(table->edges.size()));
  return Dfa(std::move(table));
}

// No text, which may take work to know.
Dfa DfaBuilder::None() const {
  auto table = std::make_shared<Dfa::Table>(*Dfa::None().table_);
  table->work = num_edges_;
  return Dfa(std::move(table));
}

Dfa DfaBuilder::Build(DfaState start) {
  EdgeLists lists = Normalized();
  const std::vector<bool> useful = Useful(lists, start);
  if (!useful[start]) return None();
  Compact(useful, &lists, &start);
  return Number(lists, EquivalenceClasses(lists, accepts_), start);
}

Dfa DfaBuilder::BuildMinimal(DfaState start) {
  std::vector<std::uint32_t> class_of(size());
  std::iota(class_of.begin(), class_of.end(), 0U);
  return Number(Normalized(), class_of, start);
}

}  // namespace sentiric::grammar
