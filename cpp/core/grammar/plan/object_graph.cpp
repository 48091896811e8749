// SPDX-License-Identifier: AGPL-3.0-only
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/grammar/plan/list_graph.h"
#include "core/grammar/regular/dfa_algebra.h"

namespace sentiric::grammar {
namespace {

constexpr std::size_t kMaxSome = 4;
// Names of a class with so few are written as properties, in the order of their length.
constexpr std::uint64_t kFewNames = 200;

class ObjectGraphBuilder {
 public:
  ObjectGraphBuilder(const ObjectShape& object, const IsPossible& is_possible, const Dfa* names,
                     Expressions* expressions)
      : object_(object),
        is_possible_(is_possible),
        names_(names),
        expressions_(*expressions),
        num_wants_(std::size_t{1} << object.some.size()) {}

  Result<ListGraph> Run() {
    if (object_.some.size() > kMaxSome) {
      return Error{ErrorCode::kInvalidGrammar, "",
                   "too many members of which some must be there; got " +
                       std::to_string(object_.some.size()) + ", allowed " +
                       std::to_string(kMaxSome)};
    }
    graph_.is_object = true;
    properties_ = object_.properties;
    if (Status error = FindClasses()) return std::move(*error);
    graph_.nodes.resize((properties_.size() + 1) * num_wants_);
    for (std::size_t i = 0; i < properties_.size(); ++i) AddProperty(i);
    if (Status error = AddClasses()) return std::move(*error);
    graph_.nodes[NodeOf(properties_.size(), num_wants_ - 1)].can_end = true;
    graph_.is_distinct = !classes_.empty();
    Finish(object_.size, &graph_);
    return std::move(graph_);
  }

 private:
  // A node is a number of properties that are behind, and the set of `some` that have been met.
  // Numbers grow with both, as Finish wants it.
  std::uint32_t NodeOf(std::size_t index, std::size_t met) const {
    return static_cast<std::uint32_t>(index * num_wants_ + met);
  }

  Status FindClasses() {
    std::optional<Dfa> listed;
    for (const NameClass& other : object_.others) {
      if (!is_possible_(other.value)) continue;
      if (!listed) listed = Listed();
      Result<Dfa> names = Difference(other.names, *listed);
      if (names && names_ != nullptr) names = Written(*names);
      if (!names) return names.error();
      if (names->IsEmpty()) continue;
      const std::optional<std::uint64_t> count = CountWords(*names);
      if (!count || *count > kFewNames) {
        classes_.push_back({*std::move(names), other.value});
        continue;
      }
      for (std::string& name : Words(*names, kFewNames))
        properties_.push_back({std::move(name), other.value, false});
    }
    return std::nullopt;
  }

  Result<Dfa> Written(const Dfa& names) {
    Result<Dfa> written = Intersection(names, *names_);
    if (!written) return written;
    const std::size_t edges = WorkBudget::EdgesOfPattern(*written);
    if (Status error = expressions_.Spend(WorkBudget::kEdge * edges)) return std::move(*error);
    return written;
  }

  Dfa Listed() const {
    std::vector<std::string> names;
    for (const Property& property : object_.properties) names.push_back(property.name);
    return Dfa::Of(names);
  }

  void AddProperty(std::size_t index) {
    const Property& property = properties_[index];
    for (std::size_t met = 0; met < num_wants_; ++met) {
      ListNode& node = graph_.nodes[NodeOf(index, met)];
      for (std::size_t more = 0; more < num_wants_; ++more) {
        if ((met & more) != 0 || !CanMeet(property.name, more)) continue;
        const Expr value = Meeting(property.value, more);
        if (!is_possible_(value)) continue;
        node.edges.push_back(
            {AddSlot({value, property.name, Dfa::None()}), NodeOf(index + 1, met | more), {}});
      }
      if (!property.required) node.edges.push_back({kNoSlot, NodeOf(index + 1, met), {}});
    }
  }

  bool CanMeet(const std::string& name, std::size_t wants) const {
    for (std::size_t k = 0; k < object_.some.size(); ++k) {
      if ((wants >> k & 1) != 0 && !object_.some[k].names.Matches(name)) return false;
    }
    return true;
  }

  Expr Meeting(Expr value, std::size_t wants) {
    std::vector<Expr> parts = {value};
    for (std::size_t k = 0; k < object_.some.size(); ++k) {
      if ((wants >> k & 1) != 0) parts.push_back(object_.some[k].value);
    }
    return expressions_.All(std::move(parts));
  }

  Status AddClasses() {
    for (const NameClass& names : classes_) {
      for (std::size_t more = 0; more < num_wants_; ++more) {
        Result<Dfa> meeting = NamesMeeting(names.names, more);
        if (!meeting) return meeting.error();
        const Expr value = Meeting(names.value, more);
        if (meeting->IsEmpty() || !is_possible_(value)) continue;
        const std::uint32_t slot = AddSlot({value, std::nullopt, *std::move(meeting)});
        for (std::size_t met = 0; met < num_wants_; ++met) {
          if ((met & more) != 0) continue;
          graph_.nodes[NodeOf(properties_.size(), met)].edges.push_back(
              {slot, NodeOf(properties_.size(), met | more), {}});
        }
      }
    }
    return std::nullopt;
  }

  Result<Dfa> NamesMeeting(const Dfa& names, std::size_t wants) const {
    Result<Dfa> meeting = names;
    for (std::size_t k = 0; k < object_.some.size(); ++k) {
      if (meeting && (wants >> k & 1) != 0) meeting = Intersection(*meeting, object_.some[k].names);
    }
    return meeting;
  }

  std::uint32_t AddSlot(Slot slot) {
    graph_.slots.push_back(std::move(slot));
    return static_cast<std::uint32_t>(graph_.slots.size() - 1);
  }

  const ObjectShape& object_;
  const IsPossible& is_possible_;
  const Dfa* const names_;
  Expressions& expressions_;
  const std::size_t num_wants_;
  std::vector<Property> properties_;
  std::vector<NameClass> classes_;
  ListGraph graph_;
};

}  // namespace

Result<ListGraph> ObjectGraph(const ObjectShape& object, const IsPossible& is_possible,
                              const Dfa* names, Expressions* expressions) {
  return ObjectGraphBuilder(object, is_possible, names, expressions).Run();
}

}  // namespace sentiric::grammar
