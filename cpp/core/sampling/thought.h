// SPDX-License-Identifier: AGPL-3.0-only
// Counts the tokens of an answer's thoughts and closes one that is too long.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/sampling/forced_tokens.h"
#include "core/seams/token_sampler.h"
#include "sentiric/types.h"

namespace sentiric::sampling {

// One thread at a time.
class Thought {
 public:
  // kInvalidArgument at "thinking.closing" when no tokens spell it. `tokenize` takes text without
  // control tokens.
  static Result<Thought> Make(const ThinkingLimit& limit, const Vocab& vocab,
                              const Tokenize& tokenize);

  // A token of the answer and the bytes that it adds to the text.
  void See(Token token, std::string_view piece);

  // What has to come next because the thoughts are too long; -1 when nothing has to.
  Token Next() const { return next_ < closing_.size() ? closing_[next_] : -1; }
  // Next() comes; See() follows.
  void Take() {
    ++next_;
    is_taken_ = true;
  }

  const ThoughtCount& count() const { return count_; }

 private:
  explicit Thought(const ThinkingLimit& limit) : limit_(limit), is_open_(limit.is_open) {}

  void Read(std::string_view text);
  bool EndsAtCharacter(std::string_view text);
  void CloseIfDue();

  ThinkingLimit limit_;
  std::vector<Token> closing_;
  std::unordered_map<Token, std::string> control_texts_;  // of those in the marks
  bool is_open_;
  std::string window_;     // newest text, in which a mark may have begun
  std::string character_;  // the beginning of one
  std::size_t next_ = 0;   // of closing_; its size when nothing has to come
  bool is_taken_ = false;  // the token that is seen next
  ThoughtCount count_;
};

}  // namespace sentiric::sampling
