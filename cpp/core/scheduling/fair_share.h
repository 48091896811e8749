// SPDX-License-Identifier: AGPL-3.0-only
// Virtual token counters: how much each tenant was served.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sentiric {

// The tenant with the smallest counter is served next; a counter grows by the tokens served,
// divided by the tenant's weight. A tenant that returns starts at the smallest counter of the
// others, so it cannot save up credit while away (Sheng et al., "Fairness in Serving Large Language
// Models", OSDI 2024). Only tenants with requests are remembered. One thread uses it.
class FairShare {
 public:
  using Weights = std::vector<std::pair<std::string, double>>;
  explicit FairShare(const Weights& weights) : weights_(weights.begin(), weights.end()) {}

  void Enter(const std::string& tenant);  // with each request
  void Leave(const std::string& tenant);  // with the end of each request
  void Charge(const std::string& tenant, std::int64_t tokens);
  double served(const std::string& tenant) const;  // 0 for unknown tenants
  std::size_t num_tenants() const { return accounts_.size(); }

 private:
  struct Account {
    double served = 0;
    std::int64_t num_requests = 0;
  };
  const std::map<std::string, double> weights_;
  std::map<std::string, Account> accounts_;
};

}  // namespace sentiric
