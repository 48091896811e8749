// SPDX-License-Identifier: AGPL-3.0-only
// Turns text that a grammar forces into the tokens that the model would have written.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "core/sampling/vocab_view.h"

namespace sentiric::sampling {

// Tokenises text without control tokens; empty on failure. Thread-safe.
using Tokenize = std::function<std::vector<Token>(std::string_view)>;

// The tokens of `text`, which follows `before`: what spells a control token that is text for the
// request is that token. Empty when no tokens spell the text.
std::vector<Token> TokensOf(const VocabView& vocab, const Tokenize& tokenize,
                            std::string_view before, std::string_view text);

// The tokens of `forced`, which follows `before` (the bytes of the last few tokens). The last token
// is left out: free text after it could have merged with it, but not with a control token. Empty
// when the tokens do not spell the text, and when the text begins inside a character or has no
// whole token.
//
// Where the tokenizer would have merged the end of `before` with the text, the text is tokenised by
// itself, because the earlier tokens are final.
std::vector<Token> ForcedTokens(const VocabView& vocab, const Tokenize& tokenize,
                                std::string_view before, std::string_view forced);

}  // namespace sentiric::sampling
