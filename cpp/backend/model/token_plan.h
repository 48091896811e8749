// SPDX-License-Identifier: AGPL-3.0-only
// Divides a text before it is passed to llama.cpp's tokenizer. Pure text arithmetic.
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

// The part of the text for one call of the tokenizer.
struct TextPiece {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool parse_special = false;
};

// With more special tokens per call, llama.cpp's quadratic partition becomes slow.
inline constexpr std::size_t kMaxSpecialsPerPiece = 512;

struct PlanInput {
  std::string_view text;                               // well-formed UTF-8
  const std::vector<LiteralMatch>* control = nullptr;  // control and unknown tokens, by position
  const std::vector<LiteralMatch>* user_defined = nullptr;  // parsed in every mode, by position
  // User-defined ones that are text where parse_special does not hold, by position; may be null.
  const std::vector<LiteralMatch>* marks = nullptr;
  const std::vector<bool>* strips_right = nullptr;  // by literal id: strips white space after it
  bool parse_special = false;                       // outside of `untrusted`
  std::vector<ByteRange> untrusted;        // by position, disjoint; only with parse_special
  bool bound_runs = false;                 // cut runs (run_splitter.h)
  const CodePointSet* joinable = nullptr;  // cut byte fallback (run_splitter.h); may be null
};

struct TokenPlan {
  std::vector<TextPiece> pieces;
  std::size_t num_specials = 0;  // most special tokens that the pieces can yield
};

// Disjoint pieces that cover the text in order; a single piece when there is nothing to divide.
// - In each untrusted range, the stretch from its first to its last control literal (including one
// that
//   only reaches into the range) becomes a piece without parse_special.
// - Marks in pieces without parse_special are cut behind their first character, so that they are
//   text; they count as special tokens, since each takes a call.
// - Long runs are cut, and so is a long series of special tokens: where the cut changes no token,
// or
//   anywhere when too many of them overlap.
TokenPlan PlanPieces(const PlanInput& input);

}  // namespace sentiric::backend
