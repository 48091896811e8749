// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/checkpoint_policy.h"

#include <algorithm>

namespace sentiric {
namespace {

// Smallest distance between checkpoints, and their distance from the end: the last few tokens come
// from the template and differ in the next turn.
constexpr std::int32_t kDistance = 256, kTail = 8;

}  // namespace

std::vector<std::int32_t> CheckpointPolicy::StopsOf(const PrefixRequest& request,
                                                    std::int32_t parting) const {
  const std::int32_t last = request.prompt_size - min_chunk_;
  std::vector<std::int32_t> stops;
  for (const std::int32_t stop : {request.head, parting, request.prompt_size - kTail}) {
    if (stop >= min_length_ && stop <= last) stops.push_back(stop);
  }
  std::sort(stops.begin(), stops.end());
  return stops;
}

std::int32_t CheckpointPolicy::NextStop(const std::vector<std::int32_t>& stops,
                                        std::int32_t computed) const {
  const auto next = std::find_if(stops.begin(), stops.end(),
                                 [&](std::int32_t stop) { return stop - computed >= min_chunk_; });
  return next == stops.end() ? 0 : *next;
}

bool CheckpointPolicy::IsDue(std::int32_t at, std::int32_t kept, std::int32_t prompt_size,
                             const std::vector<std::int32_t>& stops) const {
  if (at <= kept || at > prompt_size - min_chunk_) return false;
  const bool is_far = at >= 2 * kept && at - kept >= kDistance;
  return is_far || std::find(stops.begin(), stops.end(), at) != stops.end();
}

}  // namespace sentiric
