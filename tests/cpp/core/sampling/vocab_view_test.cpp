// SPDX-License-Identifier: AGPL-3.0-only
// Control tokens that are text for one request and not for others.
#include "core/sampling/vocab_view.h"

#include "check.h"
#include "core/grammar/structure/compile_structure.h"
#include "core/sampling/forced_tokens.h"
#include "core/sampling/grammar_filter.h"

using namespace sentiric;
using namespace sentiric::sampling;

namespace {

constexpr Token kCall = 256, kLongCall = 257, kEnd = 258, kOther = 259;

// All bytes, then control tokens.
std::shared_ptr<const Vocab> Bytes() {
  static const std::shared_ptr<const Vocab> vocab = [] {
    auto made = std::make_shared<Vocab>();
    for (int byte = 0; byte < 256; ++byte)
      made->pieces.push_back(std::string(1, static_cast<char>(byte)));
    made->pieces.resize(260);
    made->is_end.resize(260, false);
    made->is_end[kEnd] = true;
    made->end_tokens = {kEnd};
    made->control_tokens = {{"<c>", kCall}, {"<c>>", kLongCall}, {"<e>", kEnd}, {"<o>", kOther}};
    made->trie = std::make_unique<grammar::TokenTrie>(made->pieces);
    return std::shared_ptr<const Vocab>(std::move(made));
  }();
  return vocab;
}

VocabView Shown(std::vector<std::string> texts) {
  Request request;
  request.shown_tokens = std::move(texts);
  return {Bytes().get(), request};
}

std::shared_ptr<const grammar::Grammar> Structure(const char* text) {
  return *grammar::CompileStructure(text);
}

std::vector<Token> ByteTokens(std::string_view text) {
  std::vector<Token> tokens;
  for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  return tokens;
}

using Tokens = std::vector<Token>;

}  // namespace

TEST(VocabView, ShowsWhatTheRequestNames) {
  const VocabView view = Shown({"<c>", "<c>", "nothing", "<e>"});
  EXPECT_EQ(view.Piece(kCall), "<c>");
  EXPECT_EQ(view.Piece(kOther), "");
  EXPECT_EQ(view.Piece('a'), "a");
  EXPECT_EQ(view.Piece(kEnd), "");  // an end is no text
  EXPECT(view.IsEnd(kEnd) && !view.IsEnd(kCall));
  EXPECT_EQ(view.ShownAt("<c>>"), kCall);
  EXPECT_EQ(Shown({"<c>", "<c>>"}).ShownAt("<c>>x"), kLongCall);
  EXPECT_EQ(view.ShownAt("<o>"), -1);
}

// One grammar, one vocabulary: whose masks were computed first does not matter.
TEST(VocabView, MasksAreKeptApart) {
  const auto grammar = Structure(
      R"({"sequence":[{"free":["<c>","<o>"]},{"choice":[{"text":"<c>"},{"text":"x"}]}]})");
  for (int round = 0; round < 2; ++round) {
    for (const bool is_shown : {false, true, false}) {
      GrammarFilter filter(grammar, is_shown ? Shown({"<c>", "<o>"}) : VocabView(Bytes().get()));
      EXPECT_EQ(filter.Allows(kCall), is_shown);
      EXPECT(!filter.Allows(kOther));
      const grammar::TokenMask* mask = filter.Mask();
      ASSERT(mask != nullptr);
      EXPECT_EQ(mask->Contains(kCall), is_shown);
      EXPECT(mask->Contains('<') && !mask->Contains(kOther) && !mask->Contains(kEnd));
      EXPECT_EQ(filter.Allows(kCall), is_shown);  // now by the mask
      EXPECT(filter.Advance("<"));
      EXPECT(!filter.Allows(kEnd));
      EXPECT_EQ(filter.Allows(kCall), is_shown);
    }
  }
}

TEST(VocabView, ForcedTextHasItsControlTokens) {
  const VocabView view = Shown({"<c>"});
  EXPECT(TokensOf(view, ByteTokens, "", "ab<c>d<c>") == (Tokens{'a', 'b', kCall, 'd', kCall}));
  EXPECT(TokensOf(view, ByteTokens, "x", "<o>") == (Tokens{'<', 'o', '>'}));
  EXPECT(TokensOf(view, ByteTokens, "x", "").empty());
  EXPECT(ForcedTokens(view, ByteTokens, "", "ab<c>") == (Tokens{'a', 'b', kCall}));
  EXPECT(ForcedTokens(view, ByteTokens, "", "<c>ab") == (Tokens{kCall, 'a'}));
  EXPECT(ForcedTokens(Bytes().get(), ByteTokens, "", "<c>") == (Tokens{'<', 'c'}));
}
