// SPDX-License-Identifier: AGPL-3.0-only
// Where a text must be cut before llama.cpp's regex pre-tokenizers see it. Those without a
// hand-written splitter go through std::regex, which recurses once per character of a match: a long
// run of one kind of character ends the process even on a deep stack.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "backend/model/code_point.h"

namespace sentiric::backend {

// Characters, not bytes. The first bounds \p{L}+ and its like, the others the patterns that cross
// classes: [^\s]+ and [^\n]+. At about 350 bytes of stack per character the last one needs 45 MB.
inline constexpr std::size_t kMaxClassRun = 4096;
inline constexpr std::size_t kMaxWordRun = 65536;
inline constexpr std::size_t kMaxLineRun = 131072;

// Byte offsets, rising, at which well-formed text is to be cut so that no piece holds a longer run.
// Empty for ordinary text. Offsets stand at character boundaries.
std::vector<std::size_t> FindRunCuts(std::string_view text);

// SentencePiece vocabularies write a character they do not know as byte tokens, in time quadratic
// in their number: 36 s for a megabyte of line feeds.
inline constexpr std::size_t kMaxFallbackBytes = 4096;

// Offsets, rising, after characters that no token joins with another, so that a cut there changes
// no token. `joinable`: the characters that stand in a token of several characters.
std::vector<std::size_t> FindFallbackCuts(std::string_view text, const CodePointSet& joinable);

}  // namespace sentiric::backend
