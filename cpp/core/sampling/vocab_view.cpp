// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/vocab_view.h"

#include <algorithm>

namespace sentiric::sampling {

VocabView::VocabView(const Vocab* vocab, const Request& request) : VocabView(vocab) {
  for (const Token token : request.stop_tokens) {
    if (vocab->pieces[static_cast<std::size_t>(token)].empty() && !IsEnd(token))
      end_tokens_.push_back(token);
  }
  for (const std::string& text : request.shown_tokens) {
    const auto found = vocab->control_tokens.find(text);
    if (found != vocab->control_tokens.end() && !IsEnd(found->second))
      shown_.emplace_back(found->second, text);
  }
  std::sort(shown_.begin(), shown_.end());
  shown_.erase(std::unique(shown_.begin(), shown_.end()), shown_.end());
}

std::string_view VocabView::Piece(Token token) const {
  const std::string& piece = vocab_->pieces[static_cast<std::size_t>(token)];
  if (!piece.empty() || shown_.empty()) return piece;
  for (const auto& [shown, text] : shown_) {
    if (shown == token) return text;
  }
  return piece;
}

bool VocabView::IsEnd(Token token) const {
  if (vocab_->is_end[static_cast<std::size_t>(token)]) return true;
  const auto own = end_tokens_.begin() + static_cast<std::ptrdiff_t>(vocab_->end_tokens.size());
  return std::find(own, end_tokens_.end(), token) != end_tokens_.end();
}

std::shared_ptr<const grammar::TokenMask> VocabView::Allowed(grammar::Matcher* matcher) const {
  auto mask = vocab_->trie->Allowed(matcher);
  return mask ? WithShown(std::move(mask).value(), matcher) : nullptr;
}

std::shared_ptr<const grammar::TokenMask> VocabView::Known(grammar::Matcher* matcher) const {
  MaskPtr mask = vocab_->trie->Known(matcher);
  return mask ? WithShown(std::move(mask), matcher) : nullptr;
}

// The mask that requests share knows nothing of shown tokens.
VocabView::MaskPtr VocabView::WithShown(MaskPtr mask, grammar::Matcher* matcher) const {
  std::shared_ptr<grammar::TokenMask> own;
  for (const auto& [token, text] : shown_) {
    if (!matcher->Accepts(text)) continue;
    if (!own) own = std::make_shared<grammar::TokenMask>(*mask);
    own->Add(token);
  }
  if (matcher->BudgetExceeded()) return nullptr;
  return own ? own : mask;
}

Token VocabView::ShownAt(std::string_view text) const {
  Token best = -1;
  std::size_t size = 0;
  for (const auto& [token, shown] : shown_) {
    if (shown.size() <= size || text.substr(0, shown.size()) != shown) continue;
    best = token;
    size = shown.size();
  }
  return best;
}

}  // namespace sentiric::sampling
