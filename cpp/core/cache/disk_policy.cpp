// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/disk_policy.h"

#include <algorithm>

namespace sentiric {

std::int32_t CommonBeginning(const PrefixRequest& request, const PrefixRecord& other,
                             std::int32_t match) {
  const std::int32_t openings =
      std::min({request.opening, static_cast<std::int32_t>(request.tokens.size()), other.opening,
                static_cast<std::int32_t>(other.tokens.size())});
  return match < openings ? match : std::min(match, other.common);
}

std::optional<PrefixRecord> WritablePart(const PrefixRecord& record, std::int32_t computed,
                                         std::int32_t min_length) {
  const std::int32_t common = std::min({record.common, record.shared, computed});
  if (common < min_length) return std::nullopt;
  const auto begin = record.tokens.begin();
  return PrefixRecord{record.scope, {begin, begin + common}, common, 0, 0, common};
}

}  // namespace sentiric
