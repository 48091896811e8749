// SPDX-License-Identifier: AGPL-3.0-only
// Tokens that may be chosen.
#pragma once

#include <vector>

#include "sentiric/types.h"

namespace sentiric::sampling {

struct Candidate {
  Token token = 0;
  float logit = 0;
  float weight = 0;  // exp(logit - best), once Weigh() has run
};
using Candidates = std::vector<Candidate>;

// Most likely first; of equals the lower token first, so that greedy chooses like llama.cpp.
inline bool Better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

}  // namespace sentiric::sampling
