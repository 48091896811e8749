// SPDX-License-Identifier: AGPL-3.0-only
// A set of texts as the minimal deterministic finite automaton over code points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {

using DfaState = std::uint32_t;
inline constexpr DfaState kNoState = UINT32_MAX;  // nothing can be accepted any more

struct DfaEdge {
  CodeRange range;
  DfaState target = 0;
};
inline bool operator==(const DfaEdge& x, const DfaEdge& y) {
  return x.range == y.range && x.target == y.target;
}

// A view of the edges of a state, by ascending ranges.
struct DfaEdges {
  const DfaEdge* first = nullptr;
  const DfaEdge* last = nullptr;  // exclusive
  const DfaEdge* begin() const { return first; }
  const DfaEdge* end() const { return last; }
  std::size_t size() const { return static_cast<std::size_t>(last - first); }
};

// Immutable; copies share the states. From every state some text is accepted (a missing edge is a
// failure), except that the empty set has one state, without edges. Ranges of one state are sorted
// and disjoint, never adjacent with the same target and without surrogates, so that a text is any
// sequence of Unicode scalar values. States are numbered in the order of a breadth-first walk:
// equal sets have equal automata. Made by the functions below, DfaBuilder and dfa_algebra.h.
class Dfa {
 public:
  Dfa() : Dfa(None()) {}

  static Dfa None();                                        // no text
  static Dfa All();                                         // every text
  static Dfa Of(const std::vector<std::string>& texts);     // UTF-8; malformed texts are left out
  static Dfa OfChars(const std::vector<CodeRange>& chars);  // texts of one character

  static constexpr DfaState start() { return 0; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(table_->accepts.size()); }
  std::size_t num_edges() const { return table_->edges.size(); }
  // What it took to make it: the edges before it became minimal, which may be many more.
  std::size_t work() const { return table_->work; }
  bool accepts(DfaState state) const { return table_->accepts[state]; }
  DfaEdges edges(DfaState state) const;

  // The state behind the character, or kNoState; also for `state` = kNoState.
  DfaState Next(DfaState state, CodePoint c) const;

  bool Matches(std::string_view utf8) const;  // false for malformed UTF-8
  bool IsEmpty() const { return num_edges() == 0 && !accepts(start()); }
  bool IsAll() const { return *this == All(); }
  std::size_t ByteSize() const;
  std::size_t Hash() const { return table_->hash; }

  friend bool operator==(const Dfa& x, const Dfa& y);
  friend bool operator!=(const Dfa& x, const Dfa& y) { return !(x == y); }

 private:
  friend class DfaBuilder;

  struct Table {
    std::vector<DfaEdge> edges;
    std::vector<std::uint32_t> first_edge;  // by state, and one more
    std::vector<bool> accepts;              // by state
    std::size_t hash = 0;
    std::size_t work = 0;
  };
  explicit Dfa(std::shared_ptr<const Table> table) : table_(std::move(table)) {}

  std::shared_ptr<const Table> table_;
};

}  // namespace sentiric::grammar
