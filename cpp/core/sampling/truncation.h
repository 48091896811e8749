// SPDX-License-Identifier: AGPL-3.0-only
// Samplers that shorten a list of candidates, with llama.cpp's arithmetic, so that the same seed
// draws the same token.
#pragma once

#include <random>

#include "core/sampling/candidates.h"

namespace sentiric::sampling {

// Keeps the `count` best, best first; all when count is 0.
void KeepTop(std::size_t count, Candidates* list);

// Keeps the shortest head whose probability reaches p. The list must be sorted, best first. `mass`
// is the sum of exp(logit - best) over all tokens, 0 when the list holds all of them. False when
// the list ends before p is reached.
bool KeepTopP(float p, float mass, Candidates* list);

// Keeps candidates at least p times as likely as the best one; any order.
void KeepMinP(float p, Candidates* list);

// Divides the logits by the temperature (> 0). With dynatemp_range the temperature depends on the
// entropy, and the list is sorted.
void Heat(const SamplingParams& params, Candidates* list);

// Fills in the weights and returns their sum; the list must not be empty.
double Weigh(Candidates* list);

// A number in [0, 1); takes two steps of the generator.
double DrawUniform(std::mt19937* random);

// The candidate at which the running sum of weights reaches `target`. The list must not be empty,
// and Weigh() must have run.
Token Find(const Candidates& list, double target);

}  // namespace sentiric::sampling
