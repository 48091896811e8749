// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/jinja_tokens.h"

#include <cstddef>
#include <string>
#include <utility>

#include "backend/template/jinja_template.h"

namespace sentiric::backend {
namespace {

using jinja::token;

// Counts the depth of brackets and blocks, the tokens of a block, and the branches.
class TokenCounter {
 public:
  const char* Count(const token& current, const token* next) {
    CountBrackets(current);
    if (current.t == token::open_statement && next != nullptr) CountBlock(next->value);
    if (current.t == token::equals && brackets_ == 0) opens_set_ = false;
    if (current.t == token::close_statement && std::exchange(opens_set_, false)) ++blocks_;
    if (current.t == token::identifier && current.value == "elif") ++branches_;
    if (brackets_ > JinjaLimits::kNesting) return "brackets nest too deeply";
    if (blocks_ > JinjaLimits::kNesting) return "blocks nest too deeply";
    if (tokens_ > JinjaLimits::kBlockTokens) return "an expression is too long";
    if (branches_ > JinjaLimits::kBranches) return "too many elif branches";
    if (current.t == token::identifier && current.value.size() > JinjaLimits::kNameBytes) {
      return "a name is too long";
    }
    return nullptr;
  }

 private:
  void CountBrackets(const token& current) {
    switch (current.t) {
      case token::open_paren:
      case token::open_square_bracket:
      case token::open_curly_bracket: ++brackets_; break;
      case token::close_paren:
      case token::close_square_bracket:
      case token::close_curly_bracket: --brackets_; break;
      case token::open_statement:
      case token::open_expression:
        brackets_ = 0;
        tokens_ = 0;
        break;
      default: break;
    }
    ++tokens_;
  }

  // `set` opens a block only if no "=" follows.
  void CountBlock(const std::string& word) {
    opens_set_ = word == "set";
    if (word == "if" || word == "for" || word == "macro" || word == "call" || word == "filter") {
      ++blocks_;
    } else if (word.rfind("end", 0) == 0 && blocks_ > 0) {
      --blocks_;
    }
  }

  int brackets_ = 0;
  int blocks_ = 0;
  int branches_ = 0;
  bool opens_set_ = false;
  std::size_t tokens_ = 0;
};

}  // namespace

Status CheckTokens(const jinja::lexer_result& tokens) {
  if (tokens.tokens.size() > JinjaLimits::kTokens) {
    return Error{ErrorCode::kTemplateFailed, "chat_template",
                 "the template has too many tokens; got " + std::to_string(tokens.tokens.size()) +
                     ", allowed at most " + std::to_string(JinjaLimits::kTokens)};
  }
  TokenCounter counter;
  for (std::size_t i = 0; i < tokens.tokens.size(); ++i) {
    const token* next = i + 1 < tokens.tokens.size() ? &tokens.tokens[i + 1] : nullptr;
    if (const char* problem = counter.Count(tokens.tokens[i], next)) {
      return Error{ErrorCode::kTemplateFailed, "chat_template",
                   std::string(problem) + " at byte " + std::to_string(tokens.tokens[i].pos)};
    }
  }
  return std::nullopt;
}

}  // namespace sentiric::backend
