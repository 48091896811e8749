// SPDX-License-Identifier: AGPL-3.0-only
#include "core/seams/adapters.h"

#include <algorithm>
#include <cstdio>

namespace sentiric {

std::string AdapterKey(const std::vector<AdapterUse>& adapters) {
  std::vector<std::string> parts;
  for (const AdapterUse& use : adapters) {
    char scale[32];
    std::snprintf(scale, sizeof scale, "=%.9g/", static_cast<double>(use.scale));
    parts.push_back(use.name + scale);
  }
  std::sort(parts.begin(), parts.end());  // adapters are added up, so their order does not matter
  std::string key;
  for (const std::string& part : parts) key += part;
  return key;
}

}  // namespace sentiric
