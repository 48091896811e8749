// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/grammar_filter.h"

namespace sentiric::sampling {

bool GrammarFilter::Allows(Token token) {
  const auto index = static_cast<std::size_t>(token);
  if (vocab_.is_end[index]) return matcher_.CanEnd();
  if (!has_looked_) {
    mask_ = vocab_.trie->Known(&matcher_);
    has_looked_ = true;
  }
  if (mask_) return mask_->Contains(token);
  const std::string& piece = vocab_.pieces[index];
  return !piece.empty() && matcher_.Accepts(piece);
}

const grammar::TokenMask* GrammarFilter::Mask() {
  if (!mask_) {
    auto allowed = vocab_.trie->Allowed(&matcher_);
    if (allowed) mask_ = std::move(allowed).value();
  }
  return mask_.get();
}

bool GrammarFilter::Advance(std::string_view piece) {
  mask_.reset();
  has_looked_ = false;
  return matcher_.Advance(piece);
}

}  // namespace sentiric::sampling
