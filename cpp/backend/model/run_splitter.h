// SPDX-License-Identifier: AGPL-3.0-only
// Finds where a text must be cut before llama.cpp's regex pre-tokenizers see it. Those without a
// hand-written splitter use std::regex, which recurses once per character of a match: a long run of
// one kind of character would overflow even a deep stack.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "backend/model/code_point.h"

namespace sentiric::backend {

// In characters. The first bounds \p{L}+ and similar patterns, the others patterns that cross
// classes: [^\s]+ and [^\n]+. At about 350 bytes of stack per character the last one needs 45 MB.
inline constexpr std::size_t kMaxClassRun = 4096;
inline constexpr std::size_t kMaxWordRun = 65536;
inline constexpr std::size_t kMaxLineRun = 131072;

// Ascending byte offsets at which to cut well-formed text so that no piece contains a longer run.
// Empty for ordinary text. All offsets are character boundaries.
std::vector<std::size_t> FindRunCuts(std::string_view text);

// SentencePiece vocabularies turn unknown characters into byte tokens, in time quadratic in their
// number: 36 s for a megabyte of line feeds.
inline constexpr std::size_t kMaxFallbackBytes = 4096;

// Ascending offsets behind characters that no token joins with another, so that a cut there changes
// no token. joinable: characters that occur in tokens of several characters.
std::vector<std::size_t> FindFallbackCuts(std::string_view text, const CodePointSet& joinable);

}  // namespace sentiric::backend
