// SPDX-License-Identifier: AGPL-3.0-only
// How a text is divided before it is handed to llama.cpp's tokenizer. Pure text arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "backend/model/code_point.h"
#include "backend/model/literal_finder.h"

namespace sentiric::backend {

struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A part of the text for one call of the tokenizer.
struct TextPiece {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool parse_special = false;
};

// Special tokens per call above which llama.cpp's quadratic partition starts to show.
inline constexpr std::size_t kMaxSpecialsPerPiece = 512;

struct PlanInput {
  std::string_view text;                               // well-formed UTF-8
  const std::vector<LiteralMatch>* control = nullptr;  // control and unknown tokens, by position
  const std::vector<LiteralMatch>* user_defined = nullptr;  // parsed in every mode, by position
  const std::vector<bool>* strips_right = nullptr;  // by literal id: eats the white space after it
  bool parse_special = false;                       // outside of `untrusted`
  std::vector<ByteRange> untrusted;        // by position, disjoint; only with parse_special
  bool bound_runs = false;                 // cut runs (run_splitter.h)
  const CodePointSet* joinable = nullptr;  // cut byte fallback (run_splitter.h); may be null
};

struct TokenPlan {
  std::vector<TextPiece> pieces;
  std::size_t num_specials = 0;  // special tokens that will come out of them, at most
};

// Disjoint pieces that cover the text in order; one piece when there is nothing to divide.
// - In each untrusted range, the stretch from its first to its last control literal (also one that
//   only reaches into the range) is a piece with parse_special off.
// - Runs are cut, and so is a flood of special tokens: after one of them, where a cut changes
//   nothing, unless they overlap without end.
TokenPlan PlanPieces(const PlanInput& input);

}  // namespace sentiric::backend
