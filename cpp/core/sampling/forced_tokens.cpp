// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/forced_tokens.h"

#include <string>

#include "core/text/utf8.h"

namespace sentiric::sampling {
namespace {

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// The tokens of `text` behind `anchor`; empty unless a token ends where the anchor does and the
// rest spells the text. The anchor is needed because some vocabularies put a space in front of
// every text.
std::vector<Token> Behind(std::string_view anchor, std::string_view text, const VocabView& vocab,
                          const Tokenize& tokenize) {
  const std::string whole = std::string(anchor) + std::string(text);
  const std::vector<Token> tokens = tokenize(whole);
  std::string bytes;
  std::size_t first = 0;
  for (const Token token : tokens) bytes += vocab.Piece(token);
  if (bytes.size() < whole.size() || bytes.size() > whole.size() + 1) return {};
  const std::size_t extra = bytes.size() - whole.size();
  if (bytes.compare(extra, std::string::npos, whole) != 0) return {};
  std::size_t position = 0;
  while (position < anchor.size() + extra) {
    position += vocab.Piece(tokens[first++]).size();
  }
  if (position != anchor.size() + extra) return {};
  return {tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end()};
}

bool AreText(const std::vector<Token>& tokens, const VocabView& vocab) {
  for (const Token token : tokens) {
    if (vocab.IsEnd(token) || vocab.Piece(token).empty()) return false;
  }
  return true;
}

// Removes tokens from the end until the remaining text begins at a character boundary.
void EndAtCharacter(std::string_view text, const VocabView& vocab, std::vector<Token>* tokens) {
  std::size_t end = 0;
  for (const Token token : *tokens) end += vocab.Piece(token).size();
  while (!tokens->empty() && end < text.size() && IsContinuation(text[end])) {
    end -= vocab.Piece(tokens->back()).size();
    tokens->pop_back();
  }
}

// Text without control tokens.
std::vector<Token> PlainTokens(std::string_view before, std::string_view text,
                               const VocabView& vocab, const Tokenize& tokenize) {
  std::vector<Token> tokens = Behind(before, text, vocab, tokenize);
  // No tokenizer merges a line break with the text behind it.
  if (tokens.empty()) tokens = Behind("\n", text, vocab, tokenize);
  return AreText(tokens, vocab) ? tokens : std::vector<Token>();
}

}  // namespace

std::vector<Token> TokensOf(const VocabView& vocab, const Tokenize& tokenize,
                            std::string_view before, std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t begin = 0, at = 0;;) {
    const Token shown = vocab.ShownAt(text.substr(at));
    if (at < text.size() && shown < 0) {
      ++at;
      continue;
    }
    if (at > begin) {
      const std::vector<Token> plain =
          PlainTokens(before, text.substr(begin, at - begin), vocab, tokenize);
      if (plain.empty()) return {};
      tokens.insert(tokens.end(), plain.begin(), plain.end());
    }
    if (at == text.size()) return tokens;
    tokens.push_back(shown);
    begin = at += vocab.Piece(shown).size();
    before = "\n";
  }
}

std::vector<Token> ForcedTokens(const VocabView& vocab, const Tokenize& tokenize,
                                std::string_view before, std::string_view forced) {
  const std::string_view text = forced.substr(0, utf8::FirstInvalid(forced));  // whole characters
  if (text.size() < 2) return {};
  std::vector<Token> tokens = TokensOf(vocab, tokenize, before, text);
  if (tokens.empty()) return {};
  // Nothing merges with a control token.
  if (vocab.vocab().pieces[static_cast<std::size_t>(tokens.back())].empty()) return tokens;
  tokens.pop_back();
  EndAtCharacter(text, vocab, &tokens);
  return tokens;
}

}  // namespace sentiric::sampling
