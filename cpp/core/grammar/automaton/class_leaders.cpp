// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/class_leaders.h"

#include <algorithm>

namespace sentiric::grammar {
namespace {

constexpr Pc kNowhere = UINT32_MAX;
constexpr std::size_t kEntryBytes = 96;  // of the map: node, key and overhead of the allocator

}  // namespace

bool FindTarget(const Program& program, const Instr& instr, std::uint8_t byte, Pc* target) {
  if (instr.op == Op::kByte) {
    *target = instr.next;
    return instr.first <= byte && byte <= instr.last;
  }
  if (instr.op != Op::kBytes) return false;
  for (std::uint32_t i = instr.a; i < instr.b; ++i) {
    const Edge& edge = program.edges[i];
    if (edge.first <= byte && byte <= edge.last) {
      *target = edge.target;
      return true;
    }
  }
  return false;
}

ClassLeaders::Index ClassLeaders::Find(const std::vector<Pc>& instructions) {
  const std::size_t num_classes = program_.classes.representative.size();
  const auto added =
      known_.emplace(instructions, static_cast<Index>(leaders_.size() / num_classes));
  if (!added.second) return added.first->second;
  const std::size_t begin = leaders_.size();
  leaders_.resize(begin + num_classes);
  targets_.resize(num_classes);
  for (const Pc pc : instructions) {
    FindTargets(program_.code[pc]);
    Refine(leaders_.data() + begin);
  }
  num_bytes_ += num_classes + kEntryBytes + instructions.size() * sizeof(Pc);
  return added.first->second;
}

// Classes are numbered in the order of their bytes.
void ClassLeaders::FindTargets(const Instr& instr) {
  std::fill(targets_.begin(), targets_.end(), kNowhere);
  const auto fill = [this](std::uint8_t first, std::uint8_t last, Pc target) {
    const auto& of_byte = program_.classes.of_byte;
    std::fill(targets_.begin() + of_byte[first], targets_.begin() + of_byte[last] + 1, target);
  };
  if (instr.op == Op::kByte) fill(instr.first, instr.last, instr.next);
  if (instr.op != Op::kBytes) return;
  for (std::uint32_t i = instr.a; i < instr.b; ++i)
    fill(program_.edges[i].first, program_.edges[i].last, program_.edges[i].target);
}

// Neighbours often have the same leader.
void ClassLeaders::Refine(std::uint8_t* leaders) {
  found_.clear();
  std::size_t at = 0;
  for (std::size_t c = 0; c < targets_.size(); ++c) {
    const std::pair<std::uint8_t, Pc> way = {leaders[c], targets_[c]};
    if (at == found_.size() || found_[at].first != way) {
      at = 0;
      while (at < found_.size() && found_[at].first != way) ++at;
      if (at == found_.size()) found_.emplace_back(way, static_cast<std::uint8_t>(c));
    }
    leaders[c] = found_[at].second;
  }
}

}  // namespace sentiric::grammar
