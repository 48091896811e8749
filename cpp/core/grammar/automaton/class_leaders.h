// SPDX-License-Identifier: AGPL-3.0-only
// Classes of bytes that some instructions do not tell apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/grammar/automaton/program.h"

namespace sentiric::grammar {

// The target of an instruction that waits for a byte; false = it does not accept the byte.
bool FindTarget(const Program& program, const Instr& instr, std::uint8_t byte, Pc* target);

// A program has many classes of bytes, of which a few instructions tell few apart. Classes that
// lead from all of them to the same places have a common leader, so that a step is computed once
// for all. Many states wait at the same instructions: they differ in counts and callers only.
//
// Not thread-safe.
class ClassLeaders {
 public:
  explicit ClassLeaders(const Program& program) : program_(program) {}

  using Index = std::uint32_t;
  // Of instructions in ascending order, without duplicates.
  Index Find(const std::vector<Pc>& instructions);
  std::uint8_t Of(Index index, std::uint8_t byte_class) const {
    return leaders_[std::size_t{index} * program_.classes.representative.size() + byte_class];
  }
  std::size_t ByteSize() const { return num_bytes_; }

 private:
  void FindTargets(const Instr& instr);
  void Refine(std::uint8_t* leaders);

  const Program& program_;
  std::map<std::vector<Pc>, Index> known_;
  std::vector<std::uint8_t> leaders_;  // by index and class: the first such class
  std::size_t num_bytes_ = 0;
  std::vector<Pc> targets_;  // scratch: of an instruction, by class
  std::vector<std::pair<std::pair<std::uint8_t, Pc>, std::uint8_t>> found_;  // scratch
};

}  // namespace sentiric::grammar
