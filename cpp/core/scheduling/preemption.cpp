// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/preemption.h"

#include <algorithm>
#include <map>

namespace sentiric {
namespace {

bool IsWeaker(const Claim& a, const Claim& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.id > b.id;
}

// The weakest claim that `may_give_way` accepts.
template <typename Predicate>
std::optional<std::size_t> Weakest(const std::vector<Claim>& running, Predicate may_give_way) {
  std::optional<std::size_t> weakest;
  for (std::size_t i = 0; i < running.size(); ++i) {
    if (!may_give_way(running[i])) continue;
    if (!weakest || IsWeaker(running[i], running[*weakest])) weakest = i;
  }
  return weakest;
}

// The tenant that holds most contexts, and how many.
std::pair<std::string, std::int32_t> Largest(const std::map<std::string, std::int32_t>& held) {
  const auto found = std::max_element(
      held.begin(), held.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return {found->first, found->second};
}

// A class above its share loses one context: one of its largest tenant.
std::optional<std::size_t> FromClassAboveShare(const Claim& waiting,
                                               const std::vector<Claim>& running,
                                               std::int32_t contexts) {
  const ByClass held = HeldByClass(running);
  const auto gives = [&](const Claim& claim) {
    return claim.priority != waiting.priority && !claim.is_due &&
           held[ClassIndex(claim.priority)] > ClassLimit(contexts);
  };
  std::map<std::string, std::int32_t> tenants;
  for (const Claim& claim : running) {
    if (gives(claim)) ++tenants[claim.tenant];
  }
  if (tenants.empty()) return std::nullopt;
  const std::int32_t most = Largest(tenants).second;
  return Weakest(running, [&](const Claim& claim) {
    return gives(claim) && tenants.at(claim.tenant) == most;
  });
}

std::optional<std::size_t> ForFairness(const Claim& waiting, const std::vector<Claim>& running,
                                       std::int32_t contexts) {
  std::map<std::string, std::int32_t> held;
  for (const Claim& claim : running) ++held[claim.tenant];
  if (held.count(waiting.tenant) > 0) return std::nullopt;
  const auto [tenant, num_held] = Largest(held);
  const auto num_tenants = static_cast<std::int32_t>(held.size()) + 1;
  if (num_held < 2 || num_held * num_tenants <= contexts) return std::nullopt;
  return Weakest(running, [&, name = tenant](const Claim& claim) {
    return claim.tenant == name && claim.priority == waiting.priority;
  });
}

}  // namespace

std::optional<std::size_t> ChooseVictim(const Claim& waiting, const std::vector<Claim>& running,
                                        std::int32_t contexts) {
  if (running.empty()) return std::nullopt;
  const std::int32_t own = HeldByClass(running)[ClassIndex(waiting.priority)];
  std::optional<std::size_t> victim;
  if (waiting.is_due && own == 0) {
    victim = Weakest(running, [](const Claim& claim) { return !claim.is_due; });
  }
  if (!victim && own < ClassLimit(contexts)) {
    victim = Weakest(running, [&](const Claim& claim) {
      return !claim.is_due && claim.priority > waiting.priority;
    });
  }
  if (!victim) victim = FromClassAboveShare(waiting, running, contexts);
  return victim ? victim : ForFairness(waiting, running, contexts);
}

std::size_t ChooseUnderPressure(const std::vector<Claim>& running) {
  const auto weakest = Weakest(running, [](const Claim& claim) { return !claim.is_due; });
  return weakest ? *weakest : *Weakest(running, [](const Claim&) { return true; });
}

ByClass HeldByClass(const std::vector<Claim>& running) {
  ByClass held{};
  for (const Claim& claim : running) ++held[ClassIndex(claim.priority)];
  return held;
}

}  // namespace sentiric
