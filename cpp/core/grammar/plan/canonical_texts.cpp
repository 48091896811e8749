// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plan/canonical_texts.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/grammar/number/number_texts.h"
#include "core/grammar/regular/dfa_algebra.h"
#include "core/grammar/regular/dfa_builder.h"

namespace sentiric::grammar {
namespace {

bool IsEscaped(CodePoint c) { return c < 0x20 || c == '"' || c == '\\'; }

std::string EscapeOf(CodePoint c) {
  static const std::map<CodePoint, char> kLetters = {
      {'"', '"'}, {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
  const auto letter = kLetters.find(c);
  if (letter != kLetters.end()) return std::string("\\") + letter->second;
  static constexpr char kHex[] = "0123456789abcdef";
  return std::string("\\u00") + kHex[c >> 4] + kHex[c & 15];
}

class Speller {
 public:
  explicit Speller(const Dfa& texts) : texts_(texts) {}

  Dfa Run() {
    for (DfaState state = 0; state < texts_.size(); ++state) builder_.AddState();
    const DfaState end = builder_.AddState(true);
    for (DfaState state = 0; state < texts_.size(); ++state) {
      if (texts_.accepts(state)) AddChar(state, '"', end);
    }
    for (DfaState state = 0; state < texts_.size(); ++state) {
      for (const DfaEdge& edge : texts_.edges(state)) AddEdge(state, edge);
    }
    return std::move(builder_).Build();
  }

 private:
  void AddEdge(DfaState from, const DfaEdge& edge) {
    CodePoint first = edge.range.first;
    for (CodePoint c = first; c <= std::min<CodePoint>(edge.range.last, '\\'); ++c) {
      if (!IsEscaped(c)) continue;
      if (first < c) builder_.AddEdge(from, {first, c - 1}, edge.target);
      AddText(from, EscapeOf(c), edge.target);
      first = c + 1;
    }
    if (first <= edge.range.last) builder_.AddEdge(from, {first, edge.range.last}, edge.target);
  }

  // Beginnings that escapes of one state share are one state.
  void AddText(DfaState from, const std::string& text, DfaState target) {
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      const auto added = inner_.emplace(std::make_pair(from, text[i]), kNoState);
      if (added.second) {
        added.first->second = builder_.AddState();
        AddChar(from, text[i], added.first->second);
      }
      from = added.first->second;
    }
    AddChar(from, text.back(), target);
  }

  void AddChar(DfaState from, char c, DfaState target) {
    const auto code = static_cast<CodePoint>(static_cast<unsigned char>(c));
    builder_.AddEdge(from, {code, code}, target);
  }

  const Dfa& texts_;
  DfaBuilder builder_;
  std::map<std::pair<DfaState, char>, DfaState> inner_;
};

}  // namespace

Dfa SpelledTexts(const Dfa& texts) { return Speller(texts).Run(); }

std::string SpelledText(const std::string& utf8) {
  std::string spelled;
  for (char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsEscaped(byte))
      spelled += EscapeOf(byte);
    else
      spelled.push_back(c);
  }
  return spelled;
}

Result<Dfa> CanonicalTexts(const Shape& shape) {
  if (shape.HasLists()) {
    return Error{ErrorCode::kInvalidGrammar, "",
                 "can be enforced for simple items only; got items that may be arrays or objects, "
                 "allowed items of the types null, boolean, number and string (set their `type`)"};
  }
  std::vector<std::string> words;
  if (shape.null) words.push_back("null");
  if (shape.no) words.push_back("false");
  if (shape.yes) words.push_back("true");
  Result<Dfa> all = Dfa::Of(words);
  Result<Dfa> numbers = CanonicalNumberTexts(shape.numbers);
  if (!numbers) return numbers;
  all = Union(*all, *numbers);
  const Dfa quote = Dfa::Of({"\""});
  for (const TextSet& texts : shape.texts) {
    Result<Dfa> plain = WithoutWindow(texts);
    if (!plain) return plain;
    Result<Dfa> quoted = Concatenation(quote, SpelledTexts(*plain));
    if (!quoted) return quoted;
    if (all) all = Union(*all, *quoted);
  }
  return all;
}

}  // namespace sentiric::grammar
