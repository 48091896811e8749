// SPDX-License-Identifier: AGPL-3.0-only
// Decides after which tokens of a prompt a checkpoint of its state is kept, for models whose states
// cannot be cut: a later prompt that diverges from this one can only start at a checkpoint.
#pragma once

#include <cstdint>
#include <vector>

#include "core/cache/prefix_request.h"

namespace sentiric {

class CheckpointPolicy {
 public:
  // min_length: fewest tokens worth a checkpoint. min_chunk: fewest tokens of a prefill call.
  CheckpointPolicy(std::int32_t min_length, std::int32_t min_chunk)
      : min_length_(min_length), min_chunk_(min_chunk) {}

  // Positions at which chunks of the prompt should end, ascending: the end of the system prompt,
  // the point where an earlier prompt diverged (`parting`, 0 = none), and shortly before the end.
  std::vector<std::int32_t> StopsOf(const PrefixRequest& request, std::int32_t parting) const;

  // The first stop that a chunk starting at `computed` may end at; 0 when there is none.
  std::int32_t NextStop(const std::vector<std::int32_t>& stops, std::int32_t computed) const;

  // Whether to keep the state behind the first `at` tokens of a prompt: at its stops, and at
  // growing distances between them. kept: length of its longest prefix that is kept already.
  bool IsDue(std::int32_t at, std::int32_t kept, std::int32_t prompt_size,
             const std::vector<std::int32_t>& stops) const;

 private:
  const std::int32_t min_length_, min_chunk_;
};

}  // namespace sentiric
