// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/alphabet.h"

#include <algorithm>
#include <map>

#include "core/grammar/regular/dfa_builder.h"

namespace sentiric::grammar {
namespace {

constexpr std::size_t kMaxSteps = 3'000'000;  // sets looked at, over all stretches of characters

struct Border {
  CodePoint at = 0;
  std::uint32_t set = 0;
  bool begins = false;
};

std::vector<Border> SortedBorders(const std::vector<std::vector<CodeRange>>& sets) {
  std::vector<Border> borders;
  for (std::uint32_t set = 0; set < sets.size(); ++set) {
    for (CodeRange range : sets[set]) {
      borders.push_back({range.first, set, true});
      borders.push_back({range.last + 1, set, false});
    }
  }
  std::sort(borders.begin(), borders.end(),
            [](const Border& x, const Border& y) { return x.at < y.at; });
  return borders;
}

void Apply(const Border& border, std::vector<std::uint32_t>* active) {
  const auto place = std::lower_bound(active->begin(), active->end(), border.set);
  if (border.begins) {
    active->insert(place, border.set);
  } else {
    active->erase(place);
  }
}

}  // namespace

Result<Alphabet> SplitIntoSymbols(const std::vector<std::vector<CodeRange>>& sets) {
  Alphabet alphabet;
  alphabet.of_set.resize(sets.size());
  std::map<std::vector<std::uint32_t>, Symbol> symbols;
  std::vector<std::uint32_t> active;  // the sets that contain the characters from here on
  std::size_t steps = 0;
  const std::vector<Border> borders = SortedBorders(sets);
  for (std::size_t i = 0; i < borders.size();) {
    const CodePoint at = borders[i].at;
    for (; i < borders.size() && borders[i].at == at; ++i) Apply(borders[i], &active);
    if (active.empty()) continue;
    if ((steps += active.size()) > kMaxSteps) {
      return TooMany("overlapping sets of characters", steps, kMaxSteps);
    }
    const auto [entry, is_new] =
        symbols.try_emplace(active, static_cast<Symbol>(alphabet.ranges.size()));
    if (is_new) {
      alphabet.ranges.emplace_back();
      for (std::uint32_t set : active) alphabet.of_set[set].push_back(entry->second);
    }
    alphabet.ranges[entry->second].push_back({at, borders[i].at - 1});
  }
  return alphabet;
}

}  // namespace sentiric::grammar
