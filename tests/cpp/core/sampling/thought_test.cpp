// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/thought.h"

#include "check.h"

using namespace sentiric;
using namespace sentiric::sampling;

namespace {

constexpr Token kBegin = 256, kEnd = 257;

const Vocab& Bytes() {
  static const Vocab vocab = [] {
    Vocab made;
    for (int byte = 0; byte < 256; ++byte)
      made.pieces.push_back(std::string(1, static_cast<char>(byte)));
    made.pieces.resize(258);
    made.is_end.resize(258, false);
    made.control_tokens = {{"<t>", kBegin}, {"</t>", kEnd}};
    return made;
  }();
  return vocab;
}

std::vector<Token> ByteTokens(std::string_view text) {
  std::vector<Token> tokens;
  for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  return tokens;
}

Thought Make(std::int32_t max_tokens, bool is_open = false, const char* begin = "<t>",
             const char* end = "</t>", const char* closing = "\n</t>") {
  return *Thought::Make({begin, end, closing, max_tokens, is_open}, Bytes(), ByteTokens);
}

void See(std::string_view text, Thought* thought) {
  for (const char byte : text)
    thought->See(static_cast<unsigned char>(byte), std::string_view(&byte, 1));
}

// What has to come, as bytes; control tokens as their marks.
std::string TakeClosing(Thought* thought) {
  std::string text;
  while (thought->Next() >= 0) {
    const Token token = thought->Next();
    const std::string& piece = Bytes().pieces[static_cast<std::size_t>(token)];
    text += token == kEnd ? "[end]" : piece;
    thought->Take();
    thought->See(token, piece);
  }
  return text;
}

}  // namespace

TEST(Thought, IsClosedAtItsLimit) {
  Thought thought = Make(3);
  See("hi ", &thought);
  thought.See(kBegin, "");
  See("ab", &thought);
  EXPECT_EQ(thought.Next(), -1);
  See("c", &thought);
  EXPECT_EQ(TakeClosing(&thought), "\n[end]");
  See("answer", &thought);
  EXPECT_EQ(thought.Next(), -1);
  EXPECT_EQ(thought.count().num_tokens, 3);
  EXPECT(thought.count().was_ended);
}

TEST(Thought, ThatEndsByItselfIsNotClosed) {
  Thought thought = Make(3, true);
  See("ab", &thought);
  thought.See(kEnd, "");
  See("a long answer", &thought);
  EXPECT_EQ(thought.Next(), -1);
  EXPECT_EQ(thought.count().num_tokens, 2);
  EXPECT(!thought.count().was_ended);
}

TEST(Thought, ASecondOneSharesTheLimit) {
  Thought thought = Make(3, true);
  See("ab", &thought);
  thought.See(kEnd, "");
  thought.See(kBegin, "");
  EXPECT_EQ(thought.Next(), -1);
  See("c", &thought);
  EXPECT_EQ(TakeClosing(&thought), "\n[end]");
  thought.See(kBegin, "");
  EXPECT_EQ(TakeClosing(&thought), "\n[end]");
  EXPECT_EQ(thought.count().num_tokens, 3);
}

TEST(Thought, NoneAtAll) {
  Thought thought = Make(0, true);
  EXPECT_EQ(TakeClosing(&thought), "\n[end]");
  EXPECT_EQ(thought.count().num_tokens, 0);
  EXPECT_EQ(Make(0, false).Next(), -1);
}

TEST(Thought, MarksMayBeText) {
  Thought thought = Make(9, false, "((", "))", "))\n");
  See("(x(", &thought);
  See("( a )", &thought);
  EXPECT_EQ(thought.count().num_tokens, 3 + 1);
  See(")b", &thought);
  EXPECT_EQ(thought.count().num_tokens, 4);
  See("((12345", &thought);
  EXPECT_EQ(TakeClosing(&thought), "))\n");
  See("c", &thought);
  EXPECT_EQ(thought.Next(), -1);
}

TEST(Thought, IsClosedBehindAWholeCharacter) {
  Thought thought = Make(2, true);
  See("a\xE2", &thought);
  EXPECT_EQ(thought.Next(), -1);
  See("\x82", &thought);
  EXPECT_EQ(thought.Next(), -1);
  See("\xAC", &thought);
  EXPECT(thought.Next() >= 0);
  Thought broken = Make(1, true);
  See("\xFF", &broken);  // never becomes a character
  EXPECT(broken.Next() >= 0);
}

TEST(Thought, ClosingNeedsTokens) {
  const Tokenize none = [](std::string_view) { return std::vector<Token>(); };
  const auto refused = Thought::Make({"", "x", "x", 1, true}, Bytes(), none);
  ASSERT(!refused.ok());
  EXPECT_EQ(refused.error().where, "thinking.closing");
}
