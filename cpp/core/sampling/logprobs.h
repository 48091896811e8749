// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric::sampling {

// Log-probabilities of the chosen token and of the `num_top` likeliest ones: log softmax of a row.
// kNumeric for NaN or infinite logits.
Result<ChosenLogprob> LogprobsOf(const float* logits, const std::vector<std::string>& pieces,
                                 Token chosen, std::int32_t num_top);

}  // namespace sentiric::sampling
