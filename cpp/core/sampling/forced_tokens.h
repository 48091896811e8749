// SPDX-License-Identifier: AGPL-3.0-only
// Text that a grammar leaves no choice about, as the tokens a model would have written.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "core/sampling/vocab.h"

namespace sentiric::sampling {

// Text to tokens without control tokens; empty when it cannot be done. Thread-safe.
using Tokenize = std::function<std::vector<Token>(std::string_view)>;

// The model's own tokens of `forced`, which follows `before` (the last few tokens' bytes). The last
// token is left out: what follows freely could have merged with it. Empty when the tokenizer does
// not give back the bytes, and when the text begins or ends inside a character.
//
// Where the model's tokenizer would have joined the end of `before` with the text, the text is
// taken by itself: that choice was made before.
std::vector<Token> ForcedTokens(const Vocab& vocab, const Tokenize& tokenize,
                                std::string_view before, std::string_view forced);

}  // namespace sentiric::sampling
