// SPDX-License-Identifier: AGPL-3.0-only
// How long a new request would wait for a context: who stands before it, and how fast contexts
// have become free of late.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/scheduling/class_share.h"
#include "core/scheduling/fair_share.h"

namespace sentiric {

inline constexpr std::int32_t kMostWaitMs = 600000;  // nobody plans further

// How long contexts are held.
class Pace {
 public:
  static constexpr std::int64_t kLeastHolds = 8;  // fewer tell nothing

  // A context was given back after `ms` of use.
  void OnFreed(double ms);
  // Those in use now have been held for `ms` in the mean: the next ends take that long at least.
  void SetAge(double ms) { age_ms_ = ms; }
  // Expected time of a hold; nullopt as long as nothing is known.
  std::optional<double> HoldMs() const;
  // Until one of `contexts` that are all in use is free, 0..kMostWaitMs; 0 when nothing is known.
  std::int32_t NextEndMs(std::int32_t contexts) const;

 private:
  std::int64_t num_holds_ = 0;
  double mean_ms_ = 0;
  double age_ms_ = 0;
};

// Everybody who is in the engine, running or waiting, by class and tenant. One thread at a time.
class WaitEstimator {
 public:
  WaitEstimator(std::int32_t contexts, const FairShare::Weights& weights)
      : contexts_(contexts), weights_(weights.begin(), weights.end()) {}

  void Enter(Priority priority, const std::string& tenant);
  void Leave(Priority priority, const std::string& tenant);

  // Of one more request of this class and tenant, 0..kMostWaitMs; nullopt when the pace is unknown.
  std::optional<std::int32_t> WaitMs(const Pace& pace, Priority priority,
                                     const std::string& tenant) const;

 private:
  double ContextsFor(Priority priority) const;
  double Position(Priority priority, const std::string& tenant) const;
  double WeightOf(const std::string& tenant) const;

  const std::int32_t contexts_;
  const std::map<std::string, double> weights_;
  std::array<std::map<std::string, std::int32_t>, 3> tenants_;  // their requests, by class
  ByClass num_by_class_{};
};

}  // namespace sentiric
