// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/grammar_filter.h"

namespace sentiric::sampling {

bool GrammarFilter::Allows(Token token) {
  if (vocab_.IsEnd(token)) return matcher_.CanEnd();
  if (!has_looked_) {
    mask_ = vocab_.Known(&matcher_);
    has_looked_ = true;
  }
  if (mask_) return mask_->Contains(token);
  const std::string_view piece = vocab_.Piece(token);
  return !piece.empty() && matcher_.Accepts(piece);
}

const grammar::TokenMask* GrammarFilter::Mask() {
  if (!mask_) mask_ = vocab_.Allowed(&matcher_);
  return mask_.get();
}

bool GrammarFilter::Advance(std::string_view piece) {
  mask_.reset();
  has_looked_ = false;
  return matcher_.Advance(piece);
}

}  // namespace sentiric::sampling
