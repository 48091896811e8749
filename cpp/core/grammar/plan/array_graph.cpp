// SPDX-License-Identifier: AGPL-3.0-only
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "core/grammar/plan/list_graph.h"

namespace sentiric::grammar {
namespace {

constexpr std::uint32_t kMaxContains = 4;
constexpr std::uint64_t kMaxNodes = 20'000;

class ArrayGraphBuilder {
 public:
  ArrayGraphBuilder(const ArrayShape& array, const IsPossible& is_possible,
                    Expressions* expressions)
      : array_(array), is_possible_(is_possible), expressions_(*expressions) {}

  Result<ListGraph> Run() {
    if (array_.contains.size() > kMaxContains)
      return TooMany("`contains` on one array", array_.contains.size(), kMaxContains);
    last_ = static_cast<std::uint32_t>(array_.prefix.size());
    for (const ContainsRule& contains : array_.contains) last_ = std::max(last_, contains.from);
    const std::uint64_t num_nodes = NumNodes();
    if (num_nodes > kMaxNodes) return TooMany("places in an array", num_nodes, kMaxNodes);
    graph_.is_distinct = array_.unique_by != nullptr && array_.size.max > 1;
    graph_.nodes.resize(static_cast<std::size_t>(num_nodes));
    for (std::uint32_t node = 0; node < num_nodes; ++node) AddNode(node);
    Finish(array_.size, &graph_);
    return std::move(graph_);
  }

 private:
  static Error TooMany(const std::string& what, std::uint64_t got, std::uint64_t allowed) {
    return Error{ErrorCode::kInvalidGrammar, "",
                 "too many " + what + "; got " + std::to_string(got) + ", allowed " +
                     std::to_string(allowed)};
  }

  // Matches are counted up to `max`, or, without one, up to `min`.
  static bool IsExact(const ContainsRule& contains) { return contains.max != kUnlimited; }
  static std::uint32_t MostCounted(const ContainsRule& contains) {
    return IsExact(contains) ? contains.max : contains.min;
  }

  // A node is an index of an item, up to `last_`, and a number of matches of each `contains`.
  std::uint64_t NumNodes() const {
    std::uint64_t product = std::uint64_t{last_} + 1;
    for (const ContainsRule& contains : array_.contains)
      product = std::min(product * (std::uint64_t{MostCounted(contains)} + 1), kMaxNodes + 1);
    return product;
  }

  struct Place {
    std::uint32_t index = 0;
    std::uint32_t matches[kMaxContains] = {};
  };

  // Numbers grow with the index and with each count, as Finish wants it.
  Place PlaceOf(std::uint32_t node) const {
    Place place;
    for (std::size_t k = array_.contains.size(); k-- > 0;) {
      const std::uint32_t radix = MostCounted(array_.contains[k]) + 1;
      place.matches[k] = node % radix;
      node /= radix;
    }
    place.index = node;
    return place;
  }

  std::uint32_t NodeOf(const Place& place) const {
    std::uint32_t node = place.index;
    for (std::size_t k = 0; k < array_.contains.size(); ++k)
      node = node * (MostCounted(array_.contains[k]) + 1) + place.matches[k];
    return node;
  }

  void AddNode(std::uint32_t node) {
    const Place place = PlaceOf(node);
    graph_.nodes[node].can_end = true;
    for (std::size_t k = 0; k < array_.contains.size(); ++k)
      graph_.nodes[node].can_end &= place.matches[k] >= array_.contains[k].min;
    for (std::uint32_t chosen = 0; chosen < 1U << array_.contains.size(); ++chosen)
      AddEdge(node, place, chosen);
  }

  // An item that counts as a match of the `contains` whose bits are set in `chosen`.
  void AddEdge(std::uint32_t node, Place place, std::uint32_t chosen) {
    std::vector<Expr> parts = {array_.ItemAt(place.index)};
    for (std::size_t k = 0; k < array_.contains.size(); ++k) {
      const ContainsRule& contains = array_.contains[k];
      if ((chosen >> k & 1) != 0) {
        if (place.index < contains.from || place.matches[k] == MostCounted(contains)) return;
        ++place.matches[k];
        parts.push_back(contains.item);
      } else if (IsExact(contains) && place.index >= contains.from) {
        parts.push_back(expressions_.Not(contains.item));
      }
    }
    place.index = std::min(place.index + 1, last_);
    const Expr value = expressions_.All(std::move(parts));
    if (!is_possible_(value)) return;
    graph_.nodes[node].edges.push_back({SlotOf(value), NodeOf(place), {}});
  }

  std::uint32_t SlotOf(Expr value) {
    const auto added = slots_.emplace(value, static_cast<std::uint32_t>(graph_.slots.size()));
    if (added.second) graph_.slots.push_back({value, std::nullopt, Dfa::None()});
    return added.first->second;
  }

  const ArrayShape& array_;
  const IsPossible& is_possible_;
  Expressions& expressions_;
  std::uint32_t last_ = 0;
  ListGraph graph_;
  std::map<Expr, std::uint32_t> slots_;
};

}  // namespace

Result<ListGraph> ArrayGraph(const ArrayShape& array, const IsPossible& is_possible,
                             Expressions* expressions) {
  return ArrayGraphBuilder(array, is_possible, expressions).Run();
}

}  // namespace sentiric::grammar
