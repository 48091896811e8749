// SPDX-License-Identifier: AGPL-3.0-only
// Where the state of a prompt is kept half-way, when states cannot be cut: prompts that part from
// this one later can begin at such places only.
#pragma once

#include <cstdint>
#include <vector>

#include "core/cache/prefix_request.h"

namespace sentiric {

class CheckpointPolicy {
 public:
  // min_length: fewer tokens are not worth a state; min_chunk: fewest tokens of a prefill call.
  CheckpointPolicy(std::int32_t min_length, std::int32_t min_chunk)
      : min_length_(min_length), min_chunk_(min_chunk) {}

  // Where chunks of the prompt should end, ascending: at the end of the system prompt, where an
  // earlier prompt parted from this one (`parting`, 0 = nowhere), and shortly before the end.
  std::vector<std::int32_t> StopsOf(const PrefixRequest& request, std::int32_t parting) const;

  // The first of them that a chunk from `computed` on may end at; 0 when there is none.
  std::int32_t NextStop(const std::vector<std::int32_t>& stops, std::int32_t computed) const;

  // Whether the state behind the first `at` tokens of a prompt is kept: at its stops, and at
  // growing distances between. kept: the longest prefix of it that is kept already.
  bool IsDue(std::int32_t at, std::int32_t kept, std::int32_t prompt_size,
             const std::vector<std::int32_t>& stops) const;

 private:
  const std::int32_t min_length_, min_chunk_;
};

}  // namespace sentiric
