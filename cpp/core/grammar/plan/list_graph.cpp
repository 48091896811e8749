// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plan/list_graph.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {
namespace {

// How many members can still come from a node to an end; kUnlimited as `min`: the end is out of
// reach.
struct Reach {
  std::uint32_t min = kUnlimited;
  std::uint32_t max = 0;
};

std::uint32_t Plus(std::uint32_t a, std::uint32_t b) {
  return a >= kUnlimited - b ? kUnlimited : a + b;
}

class Finisher {
 public:
  Finisher(LengthWindow size, ListGraph* graph)
      : size_(size), graph_(*graph), reach_(graph->nodes.size()) {}

  void Run() {
    FindLeast();
    FindMost();
    // What every list of the graph keeps anyway needs no counter.
    if (size_.min <= reach_[0].min) size_.min = 0;
    if (size_.max >= reach_[0].max) size_.max = kUnlimited;
    if (size_.IsEmpty() || reach_[0].min == kUnlimited || reach_[0].min > size_.max ||
        reach_[0].max < size_.min) {
      graph_.nodes.clear();
      return;
    }
    for (ListNode& node : graph_.nodes) Narrow(&node);
  }

 private:
  static std::uint32_t Cost(const ListEdge& edge) { return edge.slot == kNoSlot ? 0 : 1; }

  // Edges lead to later nodes or to the node itself, so one walk backwards is enough.
  void FindLeast() {
    for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
      const ListNode& node = graph_.nodes[i];
      if (node.can_end) reach_[i].min = 0;
      for (const ListEdge& edge : node.edges)
        reach_[i].min = std::min(reach_[i].min, Plus(reach_[edge.target].min, Cost(edge)));
    }
  }

  void FindMost() {
    for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
      for (const ListEdge& edge : graph_.nodes[i].edges) {
        if (reach_[edge.target].min == kUnlimited) continue;
        const std::uint32_t most =
            edge.target == i ? kUnlimited : Plus(reach_[edge.target].max, Cost(edge));
        reach_[i].max = std::max(reach_[i].max, most);
      }
    }
  }

  // The counts from which `least` to `most` more make a list of the size.
  LengthWindow Before(std::uint32_t least, std::uint32_t most) const {
    LengthWindow count;
    if (most != kUnlimited && size_.min > most) count.min = size_.min - most;
    if (size_.max != kUnlimited) count.max = size_.max - least;
    return count;
  }

  void Narrow(ListNode* node) {
    std::vector<ListEdge> kept;
    for (ListEdge edge : node->edges) {
      const Reach& behind = reach_[edge.target];
      const std::uint32_t least = Plus(behind.min, Cost(edge));
      if (behind.min == kUnlimited || least > size_.max) continue;
      edge.count = Before(least, Plus(behind.max, Cost(edge)));
      graph_.is_counted |= !edge.count.IsAll();
      kept.push_back(edge);
    }
    node->edges = std::move(kept);
    node->end_count = size_;
    graph_.is_counted |= node->can_end && !size_.IsAll();
  }

  LengthWindow size_;
  ListGraph& graph_;
  std::vector<Reach> reach_;
};

}  // namespace

void Finish(LengthWindow size, ListGraph* graph) {
  if (graph->nodes.empty()) return;
  Finisher(size, graph).Run();
}

bool CanEnd(const ListGraph& graph, const IsPossible& is_possible) {
  std::vector<bool> is_reached(graph.nodes.size());
  if (!is_reached.empty()) is_reached[0] = true;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!is_reached[i]) continue;
    if (graph.nodes[i].can_end) return true;
    for (const ListEdge& edge : graph.nodes[i].edges) {
      if (edge.slot == kNoSlot || is_possible(graph.slots[edge.slot].value))
        is_reached[edge.target] = true;
    }
  }
  return false;
}

}  // namespace sentiric::grammar
