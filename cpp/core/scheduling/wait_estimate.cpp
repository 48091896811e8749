// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/wait_estimate.h"

#include <algorithm>
#include <cmath>

namespace sentiric {
namespace {

constexpr double kNewest = 0.1;  // weight of the last hold in the mean

std::int32_t Bounded(double ms) {
  return ms < kMostWaitMs ? static_cast<std::int32_t>(std::max(ms, 0.0)) : kMostWaitMs;
}

}  // namespace

void Pace::OnFreed(double ms) {
  if (!std::isfinite(ms)) return;
  ++num_holds_;
  const double weight = std::max(kNewest, 1.0 / static_cast<double>(num_holds_));
  mean_ms_ += (std::max(ms, 0.0) - mean_ms_) * weight;
}

std::optional<double> Pace::HoldMs() const {
  if (num_holds_ < kLeastHolds) return std::nullopt;
  return std::max(mean_ms_, age_ms_);
}

std::int32_t Pace::RoomMs(std::size_t waiting, std::int32_t contexts) const {
  const auto ends = static_cast<double>(std::max<std::size_t>(1, (waiting + 1) / 2));
  return Bounded(HoldMs().value_or(0) * ends / contexts);
}

void WaitEstimator::Enter(Priority priority, const std::string& tenant) {
  ++tenants_[ClassIndex(priority)][tenant];
  ++num_by_class_[ClassIndex(priority)];
}

void WaitEstimator::Leave(Priority priority, const std::string& tenant) {
  auto& tenants = tenants_[ClassIndex(priority)];
  const auto found = tenants.find(tenant);
  if (found == tenants.end()) return;
  --num_by_class_[ClassIndex(priority)];
  if (--found->second == 0) tenants.erase(found);
}

// The contexts that a class can count on: higher classes take what they need up to their share. A
// single context is shared in turns.
double WaitEstimator::ContextsFor(Priority priority) const {
  const std::size_t own = ClassIndex(priority);
  std::int32_t better = 0, worse = 0;
  for (std::size_t i = 0; i < num_by_class_.size(); ++i) {
    if (i < own) better += num_by_class_[i];
    if (i > own) worse += num_by_class_[i];
  }
  const std::int32_t limit = ClassLimit(contexts_);
  if (contexts_ == 1) return better > 0 ? 0.25 : worse > 0 ? 0.75 : 1.0;
  const std::int32_t left = contexts_ - std::min(better, limit);
  return better + worse > 0 ? std::min(left, limit) : left;
}

double WaitEstimator::WeightOf(const std::string& tenant) const {
  const auto found = weights_.find(tenant);
  return found == weights_.end() ? 1.0 : found->second;
}

// The position of a new request in its class, as tenants are served in turn by weight.
double WaitEstimator::Position(Priority priority, const std::string& tenant) const {
  const auto& tenants = tenants_[ClassIndex(priority)];
  const auto own = tenants.find(tenant);
  const double place = 1.0 + (own == tenants.end() ? 0 : own->second);
  double position = place;
  for (const auto& [name, count] : tenants) {
    if (name == tenant) continue;
    position += std::min<double>(count, std::ceil(place * WeightOf(name) / WeightOf(tenant)));
  }
  return position;
}

std::optional<std::int32_t> WaitEstimator::WaitMs(const Pace& pace, Priority priority,
                                                  const std::string& tenant) const {
  const std::optional<double> hold = pace.HoldMs();
  if (!hold) return std::nullopt;
  const double contexts = ContextsFor(priority);
  // With less than one context, a request runs only when none of its class is before it.
  const double ends = Position(priority, tenant) - std::max(contexts, 1.0);
  return ends > 0 ? Bounded(*hold * ends / contexts) : 0;
}

}  // namespace sentiric
