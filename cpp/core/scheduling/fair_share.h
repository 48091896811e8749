// SPDX-License-Identifier: AGPL-3.0-only
// Who got how much: virtual token counters of tenants.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sentiric {

// The tenant with the smallest counter is served next; a counter grows by the tokens that its
// tenant was served, divided by its weight. A tenant that was away begins at the smallest counter
// of those who are here: nobody saves up a claim by staying away (the virtual token counter of
// Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024). Only tenants with requests
// are remembered. One thread uses it.
class FairShare {
 public:
  using Weights = std::vector<std::pair<std::string, double>>;
  explicit FairShare(const Weights& weights) : weights_(weights.begin(), weights.end()) {}

  void Enter(const std::string& tenant);  // with each request
  void Leave(const std::string& tenant);  // with the end of each request
  void Charge(const std::string& tenant, std::int64_t tokens);
  double served(const std::string& tenant) const;  // 0 for the unknown
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
