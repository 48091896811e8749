// SPDX-License-Identifier: AGPL-3.0-only
// Passes over a row of raw logits.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric::backend {

// Whether no value is NaN or infinite. The library samples an arbitrary token from such rows
// without a word, so every row is checked (about 10 microseconds for 128 k values).
bool AllFinite(const float* logits, std::size_t count);

// The chosen token and the `num_top` most likely ones under softmax of the row.
ChosenLogprob LogprobsOf(const float* logits, const std::vector<std::string>& pieces, Token chosen,
                         std::int32_t num_top);

}  // namespace sentiric::backend
