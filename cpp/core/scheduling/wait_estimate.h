// SPDX-License-Identifier: AGPL-3.0-only
// Estimates how long a new request waits for a context, from the requests before it and from how
// long contexts were held recently.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/scheduling/class_share.h"
#include "core/scheduling/fair_share.h"

namespace sentiric {

inline constexpr std::int32_t kMostWaitMs = 600000;  // longer estimates are cut to this

// How long contexts are held.
class Pace {
 public:
  static constexpr std::int64_t kLeastHolds = 8;  // fewer say nothing

  // A context was released after `ms` of use.
  void OnFreed(double ms);
  // The mean age of the contexts in use: a hold is expected to last at least that long.
  void SetAge(double ms) { age_ms_ = ms; }
  // Expected duration of a hold; nullopt until enough is known.
  std::optional<double> HoldMs() const;
  // Time until half of the `waiting` requests, at least one, have got one of `contexts`, all in
  // use: 0..kMostWaitMs; 0 when unknown. Callers who are refused and come back before that find the
  // queue full again.
  std::int32_t RoomMs(std::size_t waiting, std::int32_t contexts) const;

 private:
  std::int64_t num_holds_ = 0;
  double mean_ms_ = 0;
  double age_ms_ = 0;
};

// Counts the requests in the engine, running or waiting, by class and tenant. One thread at a time.
class WaitEstimator {
 public:
  WaitEstimator(std::int32_t contexts, const FairShare::Weights& weights)
      : contexts_(contexts), weights_(weights.begin(), weights.end()) {}

  void Enter(Priority priority, const std::string& tenant);
  void Leave(Priority priority, const std::string& tenant);

  // The wait of one more request of this class and tenant, 0..kMostWaitMs; nullopt when the pace is
  // unknown.
  std::optional<std::int32_t> WaitMs(const Pace& pace, Priority priority,
                                     const std::string& tenant) const;

 private:
  double ContextsFor(Priority priority) const;
  double Position(Priority priority, const std::string& tenant) const;
  double WeightOf(const std::string& tenant) const;

  const std::int32_t contexts_;
  const std::map<std::string, double> weights_;
  std::array<std::map<std::string, std::int32_t>, 3> tenants_;  // requests of each tenant, by class
  ByClass num_by_class_{};
};

}  // namespace sentiric
