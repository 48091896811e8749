// SPDX-License-Identifier: AGPL-3.0-only
#include "core/preemption.h"

#include <algorithm>
#include <map>

namespace sentiric {
namespace {

bool IsWeaker(const Claim& a, const Claim& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.id > b.id;
}

// The tenant that holds most contexts, with their number.
std::pair<std::string, std::int32_t> Largest(const std::map<std::string, std::int32_t>& held) {
  const auto found = std::max_element(
      held.begin(), held.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return {found->first, found->second};
}

std::optional<std::size_t> ForFairness(const Claim& waiting, const std::vector<Claim>& running,
                                       std::int32_t contexts) {
  std::map<std::string, std::int32_t> held;
  for (const Claim& claim : running) ++held[claim.tenant];
  if (held.count(waiting.tenant) > 0) return std::nullopt;
  const auto [tenant, num_held] = Largest(held);
  const auto num_tenants = static_cast<std::int32_t>(held.size()) + 1;
  if (num_held < 2 || num_held * num_tenants <= contexts) return std::nullopt;
  std::optional<std::size_t> victim;
  for (std::size_t i = 0; i < running.size(); ++i) {
    if (running[i].tenant != tenant || running[i].priority < waiting.priority) continue;
    if (!victim || IsWeaker(running[i], running[*victim])) victim = i;
  }
  return victim;
}

}  // namespace

std::optional<std::size_t> ChooseVictim(const Claim& waiting, const std::vector<Claim>& running,
                                        std::int32_t contexts) {
  if (running.empty()) return std::nullopt;
  const std::size_t weakest = ChooseUnderPressure(running);
  if (running[weakest].priority > waiting.priority) return weakest;
  return ForFairness(waiting, running, contexts);
}

std::size_t ChooseUnderPressure(const std::vector<Claim>& running) {
  std::size_t weakest = 0;
  for (std::size_t i = 1; i < running.size(); ++i) {
    if (IsWeaker(running[i], running[weakest])) weakest = i;
  }
  return weakest;
}

}  // namespace sentiric
