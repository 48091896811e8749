// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/fair_share.h"

#include <algorithm>

namespace sentiric {

void FairShare::Enter(const std::string& tenant) {
  const auto found = accounts_.find(tenant);
  if (found != accounts_.end()) {
    ++found->second.num_requests;
    return;
  }
  const auto least = std::min_element(
      accounts_.begin(), accounts_.end(),
      [](const auto& a, const auto& b) { return a.second.served < b.second.served; });
  accounts_[tenant] = {least == accounts_.end() ? 0.0 : least->second.served, 1};
}

void FairShare::Leave(const std::string& tenant) {
  const auto found = accounts_.find(tenant);
  if (found != accounts_.end() && --found->second.num_requests == 0) accounts_.erase(found);
}

void FairShare::Charge(const std::string& tenant, std::int64_t tokens) {
  const auto found = accounts_.find(tenant);
  if (found == accounts_.end()) return;
  const auto weight = weights_.find(tenant);
  found->second.served +=
      static_cast<double>(tokens) / (weight == weights_.end() ? 1.0 : weight->second);
}

double FairShare::served(const std::string& tenant) const {
  const auto found = accounts_.find(tenant);
  return found == accounts_.end() ? 0.0 : found->second.served;
}

}  // namespace sentiric
