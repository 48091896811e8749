// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/without_parts.h"

#include <cstddef>
#include <map>
#include <utility>

namespace sentiric::grammar {
namespace {

// A beginning of a part. `ways` leads on with each character that some part has behind this
// beginning or behind an end of it; every other character leads to the root.
struct Beginning {
  std::map<CodePoint, DfaState> ways;
  DfaState suffix = 0;    // the longest end of it that is a beginning, too
  bool is_whole = false;  // it ends with a part
};

class Beginnings {
 public:
  explicit Beginnings(const DfaLimits& limits) : limits_(limits) {}

  Result<Dfa> Run(const std::vector<std::string>& parts) {
    for (const std::string& part : parts) Add(part);
    if (Status error = Connect()) return std::move(*error);
    return Write();
  }

 private:
  void Add(const std::string& part) {
    std::vector<CodePoint> chars;
    if (!DecodeAll(part, &chars)) return;
    DfaState at = 0;
    for (const CodePoint c : chars) {
      const auto next = static_cast<DfaState>(all_.size());
      const auto [way, is_new] = all_[at].ways.emplace(c, next);
      at = way->second;
      if (is_new) all_.emplace_back();
    }
    all_[at].is_whole = true;
  }

  // Breadth first: the ways of shorter beginnings are known.
  Status Connect() {
    if (all_.size() > limits_.states) return TooMany("states", all_.size(), limits_.states);
    std::vector<DfaState> order;
    for (const auto& [c, child] : all_.front().ways) order.push_back(child);
    std::size_t num_ways = order.size();
    for (std::size_t i = 0; i < order.size(); ++i) {
      Beginning& one = all_[order[i]];
      const Beginning& suffix = all_[one.suffix];
      one.is_whole = one.is_whole || suffix.is_whole;
      for (const auto& [c, child] : one.ways) {
        const auto known = suffix.ways.find(c);
        all_[child].suffix = known == suffix.ways.end() ? 0 : known->second;
        order.push_back(child);
      }
      one.ways.insert(suffix.ways.begin(), suffix.ways.end());
      num_ways += one.ways.size();
      if (num_ways > limits_.edges) return TooMany("edges", num_ways, limits_.edges);
    }
    return std::nullopt;
  }

  Result<Dfa> Write() const {
    DfaBuilder builder;
    for (std::size_t i = 0; i < all_.size(); ++i) builder.AddState(true);
    for (DfaState state = 0; state < all_.size(); ++state) {
      if (all_[state].is_whole) continue;
      CodePoint next = 0;
      for (const auto& [c, target] : all_[state].ways) {
        if (next < c) builder.AddEdge(state, {next, c - 1}, 0);
        if (!all_[target].is_whole) builder.AddEdge(state, {c, c}, target);
        next = c + 1;
      }
      if (next <= kMaxCodePoint) builder.AddEdge(state, {next, kMaxCodePoint}, 0);
    }
    return builder.Build();
  }

  const DfaLimits limits_;
  std::vector<Beginning> all_{1};
};

}  // namespace

Result<Dfa> TextsWithout(const std::vector<std::string>& parts, const DfaLimits& limits) {
  return Beginnings(limits).Run(parts);
}

}  // namespace sentiric::grammar
