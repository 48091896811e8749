// SPDX-License-Identifier: AGPL-3.0-only
// Chooses tokens with llama.cpp's sampler chain.
#pragma once

#include <memory>

#include "backend/model/sampling_vocab.h"
#include "core/sampling/picker.h"

namespace sentiric::backend {

// For parameters that sampling::RowPicker does not support: mirostat, DRY, XTC, typical_p, and
// dynamic temperature over the whole vocabulary. The order of the chain is llama.cpp's: logit_bias,
// penalties, DRY, then either greedy, mirostat, or top_k, typical_p, top_p, min_p, XTC, temperature
// and the draw. A grammar checks the sampled token; if it refuses, the whole vocabulary is masked
// and sampled again, as in llama.cpp's server.
//
// All but mirostat draws as many random numbers for each token, so that it can skip tokens. The
// first draws are llama.cpp's; they part after a token that the grammar refused, and XTC's after
// one for which a single candidate was left. Mirostat adapts to the probability of each token that
// it picked, and can skip none.
//
// `banned` is ascending.
std::unique_ptr<sampling::Picker> MakeChainPicker(std::shared_ptr<const SamplingVocab> vocab,
                                                  const Request& request,
                                                  std::vector<Token> banned);

}  // namespace sentiric::backend
