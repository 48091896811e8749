// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/truncation.h"

#include <algorithm>
#include <cmath>

namespace sentiric::sampling {
namespace {

float BestLogit(const Candidates& list) {
  float best = list.front().logit;
  for (const Candidate& candidate : list) best = std::max(best, candidate.logit);
  return best;
}

// Entropy relative to its largest possible value.
float NormalisedEntropy(const Candidates& list, float sum) {
  float entropy = 0;
  for (const Candidate& candidate : list) {
    const float p = candidate.weight / sum;
    if (p > 0.0f) entropy -= p * std::log(p);
  }
  return entropy / -std::log(1.0f / static_cast<float>(list.size()));
}

float DynamicTemperature(const SamplingParams& params, Candidates* list) {
  const float low = std::max(0.0f, params.temperature - params.dynatemp_range);
  const float high = params.temperature + params.dynatemp_range;
  KeepTop(0, list);
  const float entropy = NormalisedEntropy(*list, static_cast<float>(Weigh(list)));
  return low + (high - low) * std::pow(entropy, params.dynatemp_exponent);
}

}  // namespace

void KeepTop(std::size_t count, Candidates* list) {
  const std::size_t kept = count == 0 ? list->size() : std::min(count, list->size());
  const auto end = list->begin() + static_cast<std::ptrdiff_t>(kept);
  if (kept < list->size()) std::nth_element(list->begin(), end, list->end(), Better);
  list->resize(kept);
  std::sort(list->begin(), list->end(), Better);
}

bool KeepTopP(float p, float mass, Candidates* list) {
  const float best = list->front().logit;
  if (mass == 0.0f) {
    for (const Candidate& candidate : *list) mass += std::exp(candidate.logit - best);
  }
  float sum = 0;
  for (std::size_t i = 0; i < list->size(); ++i) {
    sum += std::exp((*list)[i].logit - best) / mass;
    if (sum < p) continue;
    list->resize(i + 1);
    return true;
  }
  return false;
}

void KeepMinP(float p, Candidates* list) {
  const float threshold = BestLogit(*list) + std::log(p);
  list->erase(std::remove_if(list->begin(), list->end(),
                             [threshold](const Candidate& c) { return c.logit < threshold; }),
              list->end());
}

void Heat(const SamplingParams& params, Candidates* list) {
  float temperature = params.temperature;
  if (params.dynatemp_range > 0.0f) {
    if (list->size() <= 1) return;
    temperature = DynamicTemperature(params, list);
    if (temperature <= 0.0f) return list->resize(1);
  }
  for (Candidate& candidate : *list) candidate.logit /= temperature;
}

double Weigh(Candidates* list) {
  const float best = BestLogit(*list);
  double sum = 0;
  for (Candidate& candidate : *list) {
    candidate.weight = std::exp(candidate.logit - best);
    sum += static_cast<double>(candidate.weight);
  }
  return sum;
}

double DrawUniform(std::mt19937* random) {
  return std::uniform_real_distribution<double>(0.0, 1.0)(*random);
}

Token Find(const Candidates& list, double target) {
  double sum = 0;
  for (const Candidate& candidate : list) {
    sum += static_cast<double>(candidate.weight);
    if (sum >= target) return candidate.token;
  }
  return list.back().token;
}

}  // namespace sentiric::sampling
