// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/dfa_builder.h"

#include <algorithm>
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
              std::to_string(allowed)};
}

DfaState DfaBuilder::AddState(bool accepts) {
  edges_.emplace_back();
  accepts_.push_back(accepts);
  return static_cast<DfaState>(accepts_.size() - 1);
}

void DfaBuilder::AddEdge(DfaState from, CodeRange range, DfaState target) {
  edges_[from].push_back({range, target});
  ++num_edges_;
}

Status DfaBuilder::Check(const DfaLimits& limits) const {
  if (size() > limits.states) return TooMany("states", size(), limits.states);
  if (num_edges_ > limits.edges) return TooMany("edges", num_edges_, limits.edges);
  return std::nullopt;
}

void DfaBuilder::NormalizeEdges(DfaState state) {
  if (edges_[state].empty()) return;
  std::vector<DfaEdge> split;
  for (const DfaEdge& edge : edges_[state]) {
    if (edge.range.last < kFirstSurrogate || edge.range.first > kLastSurrogate) {
      split.push_back(edge);
    } else {
      for (CodeRange range : Normalize({edge.range})) split.push_back({range, edge.target});
    }
  }
  std::sort(split.begin(), split.end(),
            [](const DfaEdge& x, const DfaEdge& y) { return x.range < y.range; });
  edges_[state].clear();
  for (const DfaEdge& edge : split) AppendJoined(edge, 0, &edges_[state]);
}

// The states that are reached from the start and from which an accepting one is reached.
std::vector<bool> DfaBuilder::Useful(DfaState start) const {
  std::vector<std::vector<DfaState>> sources(size());
  std::vector<bool> reached(size()), useful(size());
  std::vector<DfaState> todo = {start}, accepting;
  reached[start] = true;
  while (!todo.empty()) {
    const DfaState s = todo.back();
    todo.pop_back();
    if (accepts_[s]) accepting.push_back(s);
    for (const DfaEdge& edge : edges_[s]) {
      sources[edge.target].push_back(s);
      if (!reached[edge.target]) todo.push_back(edge.target);
      reached[edge.target] = true;
    }
  }
  for (DfaState s : accepting) useful[s] = true;
  for (todo = std::move(accepting); !todo.empty();) {
    const DfaState s = todo.back();
    todo.pop_back();
    for (DfaState source : sources[s]) {
      if (!useful[source]) todo.push_back(source);
      useful[source] = true;
    }
  }
  return useful;
}

void DfaBuilder::Compact(const std::vector<bool>& useful, DfaState* start) {
  std::vector<DfaState> number(size(), kNoState);
  DfaState next = 0;
  for (DfaState s = 0; s < size(); ++s) {
    if (useful[s]) number[s] = next++;
  }
  for (DfaState s = 0; s < size(); ++s) {
    if (!useful[s]) continue;
    std::vector<DfaEdge> kept;
    for (const DfaEdge& edge : edges_[s]) {
      if (useful[edge.target]) AppendJoined({edge.range, number[edge.target]}, 0, &kept);
    }
    edges_[number[s]] = std::move(kept);
    accepts_[number[s]] = accepts_[s];
  }
  edges_.resize(next);
  accepts_.resize(next);
  *start = number[*start];
}

Dfa DfaBuilder::Number(const std::vector<std::uint32_t>& class_of, DfaState start) const {
  auto table = std::make_shared<Dfa::Table>();
  std::vector<DfaState> number(size() + 1, kNoState);  // by class, one of which may be unused
  std::vector<DfaState> order = {start};               // a state of each class
  number[class_of[start]] = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t first = table->edges.size();
    table->first_edge.push_back(static_cast<std::uint32_t>(first));
    table->accepts.push_back(accepts_[order[i]]);
    table->hash = Mix(table->hash, accepts_[order[i]] ? 2 : 1);
    for (const DfaEdge& edge : edges_[order[i]]) {
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

Dfa DfaBuilder::Build(DfaState start) {
  for (DfaState s = 0; s < size(); ++s) NormalizeEdges(s);
  const std::vector<bool> useful = Useful(start);
  if (!useful[start]) return Dfa::None();
  Compact(useful, &start);
  return Number(EquivalenceClasses(edges_, accepts_), start);
}

}  // namespace sentiric::grammar
