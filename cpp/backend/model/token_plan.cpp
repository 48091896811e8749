// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/token_plan.h"

#include <algorithm>

#include "backend/model/run_splitter.h"
#include "core/text/utf8.h"

namespace sentiric::backend {
namespace {

using Matches = std::vector<LiteralMatch>;

// For each untrusted range, the part from its first to its last control literal.
std::vector<ByteRange> TaintedRanges(const PlanInput& input) {
  const std::vector<ByteRange>& ranges = input.untrusted;
  std::vector<ByteRange> tainted(ranges.size(), ByteRange{std::string_view::npos, 0});
  for (const LiteralMatch& match : *input.control) {
    auto range = std::upper_bound(
        ranges.begin(), ranges.end(), match.begin,
        [](std::size_t offset, const ByteRange& candidate) { return offset < candidate.end; });
    for (; range != ranges.end() && range->begin < match.end; ++range) {
      ByteRange& taint = tainted[static_cast<std::size_t>(range - ranges.begin())];
      taint.begin = std::min(taint.begin, std::max(match.begin, range->begin));
      taint.end = std::max(taint.end, std::min(match.end, range->end));
    }
  }
  tainted.erase(std::remove_if(tainted.begin(), tainted.end(),
                               [](const ByteRange& taint) { return taint.begin >= taint.end; }),
                tainted.end());
  return tainted;
}

std::vector<TextPiece> DivideByTrust(const PlanInput& input) {
  if (!input.parse_special) return {{0, input.text.size(), false}};
  std::vector<TextPiece> pieces;
  std::size_t begin = 0;
  for (const ByteRange& taint : TaintedRanges(input)) {
    if (begin < taint.begin) pieces.push_back({begin, taint.begin, true});
    pieces.push_back({taint.begin, taint.end, false});
    begin = taint.end;
  }
  if (begin < input.text.size()) pieces.push_back({begin, input.text.size(), true});
  return pieces;
}

// Appends those that lie in the piece.
void CollectMatches(const Matches& matches, const TextPiece& piece, Matches* found) {
  auto match = std::lower_bound(
      matches.begin(), matches.end(), piece.begin,
      [](const LiteralMatch& candidate, std::size_t offset) { return candidate.begin < offset; });
  for (; match != matches.end() && match->begin < piece.end; ++match) {
    if (match->end <= piece.end) found->push_back(*match);
  }
}

// The literals that llama.cpp turns into special tokens in this piece, by position.
Matches ActiveMatches(const PlanInput& input, const TextPiece& piece) {
  Matches active;
  CollectMatches(*input.user_defined, piece, &active);
  if (!piece.parse_special) return active;
  const auto middle = static_cast<std::ptrdiff_t>(active.size());
  CollectMatches(*input.control, piece, &active);
  std::inplace_merge(
      active.begin(), active.begin() + middle, active.end(),
      [](const LiteralMatch& a, const LiteralMatch& b) { return a.begin < b.begin; });
  return active;
}

// Matches that overlap each other: possibly only one of them becomes a token.
struct Cluster {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool whole = false;  // one match covers all and does not strip the text after it
  void Start(const LiteralMatch& match, bool strips_right) {
    *this = {match.begin, match.end, !strips_right};
  }
  void Extend(const LiteralMatch& match, bool strips_right) {
    if (match.end <= end) return;
    whole = match.begin == begin && !strips_right;
    end = match.end;
  }
};

// Cuts a long series of special tokens. A cut behind a token that overlaps no other changes
// nothing; a cut between overlapping literals may, and is made only when there are too many.
std::vector<std::size_t> FloodCuts(const PlanInput& input, const Matches& active) {
  std::vector<std::size_t> cuts;
  if (active.size() <= kMaxSpecialsPerPiece) return cuts;
  Cluster cluster;
  std::size_t count = 0;
  for (const LiteralMatch& match : active) {
    const bool strips_right = (*input.strips_right)[static_cast<std::size_t>(match.id)];
    const bool starts = count == 0 || match.begin >= cluster.end;
    const std::size_t limit = cluster.whole ? kMaxSpecialsPerPiece : 2 * kMaxSpecialsPerPiece;
    if (starts ? count >= limit : count >= 4 * kMaxSpecialsPerPiece) {
      cuts.push_back(cluster.end);
      count = 0;
    }
    if (count == 0 || starts) {
      cluster.Start(match, strips_right);
    } else {
      cluster.Extend(match, strips_right);
    }
    ++count;
  }
  return cuts;
}

// Cuts of long runs in the piece, moved out of literals so that no special token is cut.
std::vector<std::size_t> CharacterCuts(const PlanInput& input, const TextPiece& piece,
                                       const Matches& active) {
  const std::string_view text = input.text.substr(piece.begin, piece.end - piece.begin);
  std::vector<std::size_t> cuts;
  if (input.bound_runs) cuts = FindRunCuts(text);
  if (input.joinable != nullptr) cuts = FindFallbackCuts(text, *input.joinable);
  auto match = active.begin();
  std::size_t reach = 0;
  for (std::size_t& cut : cuts) {
    cut += piece.begin;
    for (; match != active.end() && match->begin < cut; ++match)
      reach = std::max(reach, match->end);
    cut = std::max(cut, reach);
  }
  return cuts;
}

std::size_t CountDisjoint(const Matches& matches) {
  std::size_t count = 0;
  std::size_t end = 0;
  for (const LiteralMatch& match : matches) {
    if (match.begin < end) continue;
    ++count;
    end = match.end;
  }
  return count;
}

// Marks that llama.cpp would recognise though they are text in this piece.
Matches TextMarks(const PlanInput& input, const TextPiece& piece) {
  Matches marks;
  if (input.marks != nullptr && !piece.parse_special) CollectMatches(*input.marks, piece, &marks);
  return marks;
}

void AppendPieces(const PlanInput& input, const TextPiece& piece, TokenPlan* plan) {
  const Matches active = ActiveMatches(input, piece);
  plan->num_specials += CountDisjoint(active);
  std::vector<std::size_t> cuts = FloodCuts(input, active);
  const std::vector<std::size_t> character_cuts = CharacterCuts(input, piece, active);
  cuts.insert(cuts.end(), character_cuts.begin(), character_cuts.end());
  const Matches marks = TextMarks(input, piece);
  plan->num_specials += marks.size();
  for (const LiteralMatch& mark : marks) {
    cuts.push_back(mark.begin + utf8::Classify(input.text.substr(mark.begin)).length);
  }
  std::sort(cuts.begin(), cuts.end());
  std::size_t begin = piece.begin;
  for (const std::size_t cut : cuts) {
    if (cut <= begin || cut >= piece.end) continue;
    plan->pieces.push_back({begin, cut, piece.parse_special});
    begin = cut;
  }
  if (begin < piece.end) plan->pieces.push_back({begin, piece.end, piece.parse_special});
}

}  // namespace

TokenPlan PlanPieces(const PlanInput& input) {
  TokenPlan plan;
  for (const TextPiece& piece : DivideByTrust(input)) AppendPieces(input, piece, &plan);
  return plan;
}

}  // namespace sentiric::backend
