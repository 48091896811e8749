// SPDX-License-Identifier: AGPL-3.0-only
// The samplers that shorten a list of candidates, in the arithmetic of llama.cpp, so that the same
// seed draws the same token.
#pragma once

#include <random>

#include "core/sampling/candidates.h"

namespace sentiric::sampling {

// Keeps the `count` best, best first; all when count is 0.
void KeepTop(std::size_t count, Candidates* list);

// Keeps the shortest head whose probability reaches p. `mass` is the sum of exp(logit - best) over
// all tokens, 0 when the list holds all; sorted best first. False when the list ends before p is
// reached.
bool KeepTopP(float p, float mass, Candidates* list);

// Keeps what is at least p times as likely as the best; any order.
void KeepMinP(float p, Candidates* list);

// Divides the logits by the temperature (> 0). With a range the temperature follows the entropy,
// and the list is sorted.
void Heat(const SamplingParams& params, Candidates* list);

// Fills in the weights and returns their sum; not empty.
double Weigh(Candidates* list);

// One number in [0, 1): two steps of the generator.
double DrawUniform(std::mt19937* random);

// The candidate at which the running sum of weights reaches `target`; not empty, weighed.
Token Find(const Candidates& list, double target);

}  // namespace sentiric::sampling
