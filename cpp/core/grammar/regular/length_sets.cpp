// SPDX-License-Identifier: AGPL-3.0-only
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/grammar/regular/length_plan.h"

namespace sentiric::grammar {
namespace {

constexpr std::size_t kMaxCells = 50'000'000;  // states × lengths, a bit each
constexpr std::size_t kMaxSteps = 20'000'000;  // edges followed

void SortUnique(std::vector<DfaState>* states) {
  std::sort(states->begin(), states->end());
  states->erase(std::unique(states->begin(), states->end()), states->end());
}

}  // namespace

// A row follows from the one before it, so rows repeat as soon as one does.
std::optional<LengthSets> LengthSets::Follow(std::vector<bool> row, const Neighbours& neighbours) {
  LengthSets sets;
  std::unordered_map<std::vector<bool>, std::size_t> known;
  std::vector<DfaState> members, next;
  for (DfaState s = 0; s < row.size(); ++s) {
    if (row[s]) members.push_back(s);
  }
  for (std::size_t steps = 0;;) {
    const auto [entry, is_new] = known.try_emplace(row, sets.rows_.size());
    if (!is_new) {
      sets.period_ = sets.rows_.size() - entry->second;
      return sets;
    }
    sets.rows_.push_back(row);
    next.clear();
    for (DfaState s : members) {
      row[s] = false;
      next.insert(next.end(), neighbours[s].begin(), neighbours[s].end());
    }
    steps += next.size() + 1;
    if (steps > kMaxSteps || sets.rows_.size() * row.size() > kMaxCells) return std::nullopt;
    SortUnique(&next);
    std::swap(members, next);
    for (DfaState s : members) row[s] = true;
  }
}

std::optional<LengthSets> LengthSets::ToStates(const Dfa& dfa) {
  Neighbours targets(dfa.size());
  for (DfaState s = 0; s < dfa.size(); ++s) {
    for (const DfaEdge& edge : dfa.edges(s)) targets[s].push_back(edge.target);
    SortUnique(&targets[s]);
  }
  std::vector<bool> start(dfa.size());
  start[Dfa::start()] = true;
  return Follow(std::move(start), targets);
}

std::optional<LengthSets> LengthSets::FromStates(const Dfa& dfa) {
  Neighbours sources(dfa.size());
  std::vector<bool> accepting(dfa.size());
  for (DfaState s = 0; s < dfa.size(); ++s) {
    accepting[s] = dfa.accepts(s);
    for (const DfaEdge& edge : dfa.edges(s)) sources[edge.target].push_back(s);
  }
  for (std::vector<DfaState>& states : sources) SortUnique(&states);
  return Follow(std::move(accepting), sources);
}

std::size_t LengthSets::Row(std::uint64_t length) const {
  if (length < rows_.size()) return static_cast<std::size_t>(length);
  return first_repeated() + static_cast<std::size_t>((length - first_repeated()) % period_);
}

std::optional<std::uint64_t> LengthSets::NotBelow(DfaState state, std::uint64_t length) const {
  const std::uint64_t last = std::max<std::uint64_t>(length, first_repeated()) + period_;
  for (; length < last; ++length) {
    if (Has(state, length)) return length;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> LengthSets::NotAbove(DfaState state, std::uint64_t length) const {
  if (length >= rows_.size()) {
    // One period down; then from the last length that is not a repetition.
    for (std::size_t i = 0; i < period_; ++i) {
      if (Has(state, length - i)) return length - i;
    }
    length = first_repeated();
  }
  for (++length; length-- > 0;) {
    if (Has(state, length)) return length;
  }
  return std::nullopt;
}

}  // namespace sentiric::grammar
