// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/thought.h"

#include <algorithm>
#include <utility>

#include "core/text/utf8.h"

namespace sentiric::sampling {

Result<Thought> Thought::Make(const ThinkingLimit& limit, const Vocab& vocab,
                              const Tokenize& tokenize) {
  Thought thought(limit);
  Request closing;  // in which the control tokens of the closing text are text
  for (const auto& [text, token] : vocab.control_tokens) {
    if (limit.closing.find(text) != std::string::npos) closing.shown_tokens.push_back(text);
    const bool is_in_mark =
        limit.begin.find(text) != std::string::npos || limit.end.find(text) != std::string::npos;
    if (is_in_mark) thought.control_texts_[token] = text;
  }
  if (tokenize) {
    const VocabView view(&vocab, closing);
    thought.closing_ = TokensOf(view, tokenize, "", limit.closing);
  }
  if (thought.closing_.empty()) {
    return Error{ErrorCode::kInvalidArgument, "thinking.closing",
                 "cannot be written with the tokens of this model"};
  }
  thought.next_ = thought.closing_.size();
  thought.CloseIfDue();
  return thought;
}

void Thought::See(Token token, std::string_view piece) {
  const bool was_open = is_open_;
  const bool is_own = std::exchange(is_taken_, false);
  const auto control = piece.empty() ? control_texts_.find(token) : control_texts_.end();
  Read(control != control_texts_.end() ? std::string_view(control->second) : piece);
  if (was_open && is_open_ && !is_own) ++count_.num_tokens;
  if (EndsAtCharacter(piece)) CloseIfDue();
}

void Thought::Read(std::string_view text) {
  window_ += text;
  for (;;) {
    const std::string& mark = is_open_ ? limit_.end : limit_.begin;
    const std::size_t at = mark.empty() ? std::string::npos : window_.find(mark);
    if (at == std::string::npos) break;
    window_.erase(0, at + mark.size());
    is_open_ = !is_open_;
  }
  const std::size_t kept = std::max(limit_.begin.size(), limit_.end.size()) - 1;
  if (window_.size() > kept) window_.erase(0, window_.size() - kept);
}

// Whether no character is unfinished behind the text.
bool Thought::EndsAtCharacter(std::string_view text) {
  character_ += text;
  while (!character_.empty()) {
    const utf8::Prefix prefix = utf8::Classify(character_);
    if (prefix.kind == utf8::Kind::kIncomplete) return false;
    character_.erase(0, prefix.length);
  }
  return true;
}

void Thought::CloseIfDue() {
  if (!is_open_ || Next() >= 0 || count_.num_tokens < limit_.max_tokens) return;
  next_ = 0;
  count_.was_ended = true;
}

}  // namespace sentiric::sampling
