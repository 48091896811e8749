// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/token_plan.h"

#include <string>
#include <vector>

#include "backend/model/literal_finder.h"
#include "check.h"

namespace sentiric::backend {
namespace {

// Pieces as text, those without special tokens in brackets.
std::string Show(const std::string& text, const TokenPlan& plan) {
  std::string shown;
  for (const TextPiece& piece : plan.pieces) {
    const std::string part = text.substr(piece.begin, piece.end - piece.begin);
    shown += (shown.empty() ? "" : "/") + (piece.parse_special ? part : "[" + part + "]");
  }
  return shown;
}

std::string Plan(const std::string& text, std::vector<ByteRange> untrusted,
                 bool parse_special = true) {
  LiteralFinder control;
  control.Add("<s>", 0);
  control.Add("</s>", 1);
  control.Add("<s><t>", 2);
  const std::vector<LiteralMatch> matches = control.Find(text);
  const std::vector<LiteralMatch> none;
  LiteralFinder user_defined;
  user_defined.Add("[M]", 3);
  const std::vector<LiteralMatch> marks = user_defined.Find(text);
  const std::vector<bool> strips_right(4, false);
  PlanInput input;
  input.text = text;
  input.control = &matches;
  input.user_defined = &none;
  input.marks = &marks;
  input.strips_right = &strips_right;
  input.parse_special = parse_special;
  input.untrusted = std::move(untrusted);
  return Show(text, PlanPieces(input));
}

TEST(LiteralFinder, FindsTheLongestAtEachPosition) {
  LiteralFinder finder;
  finder.Add("ab", 1);
  finder.Add("abc", 2);
  finder.Add("bcd", 3);
  finder.Add("", 4);
  const auto matches = finder.Find("xabcdab");
  ASSERT(matches.size() == 3);
  EXPECT_EQ(matches[0].id, 2);
  EXPECT_EQ(matches[0].begin, std::size_t{1});
  EXPECT_EQ(matches[0].end, std::size_t{4});
  EXPECT_EQ(matches[1].id, 3);
  EXPECT_EQ(matches[2].id, 1);
  EXPECT(finder.Contains("..ab"));
  EXPECT(!finder.Contains("a b"));
  EXPECT(!LiteralFinder().Contains("a"));
}

TEST(TokenPlan, OrdinaryTextIsOnePiece) {
  EXPECT_EQ(Plan("hello", {}), std::string("hello"));
  EXPECT_EQ(Plan("he<s>llo", {}), std::string("he<s>llo"));
  EXPECT_EQ(Plan("hello", {{1, 3}}), std::string("hello"));
  EXPECT_EQ(Plan("he<s>llo", {}, false), std::string("[he<s>llo]"));
  EXPECT_EQ(Plan("", {}), std::string(""));
}

TEST(TokenPlan, UntrustedLiteralsAreText) {
  EXPECT_EQ(Plan("<s>a<s>b</s>c<s>", {{3, 13}}), std::string("<s>a/[<s>b</s>]/c<s>"));
  EXPECT_EQ(Plan("<s>", {{0, 3}}), std::string("[<s>]"));
  EXPECT_EQ(Plan("<s><s>", {{0, 3}, {3, 6}}), std::string("[<s>]/[<s>]"));
}

TEST(TokenPlan, ALiteralHalfUntrustedIsDividedThere) {
  EXPECT_EQ(Plan("a<s>b", {{2, 5}}), std::string("a</[s>]/b"));
  EXPECT_EQ(Plan("a<s>b", {{0, 3}}), std::string("a/[<s]/>b"));
  EXPECT_EQ(Plan("<s><t>", {{3, 6}}), std::string("<s>/[<t>]"));
}

// llama.cpp recognises them in every mode, in time that grows with the square of their number.
TEST(TokenPlan, AMarkThatIsTextNeverReachesTheTokenizerWhole) {
  EXPECT_EQ(Plan("a[M]b", {}), std::string("a[M]b"));  // the template's own
  EXPECT_EQ(Plan("a[M]b[M]", {}, false), std::string("[a[]/[M]b[]/[M]]"));
  EXPECT_EQ(Plan("<s>[M]</s>[M]", {{0, 10}}), std::string("[<s>[]/[M]</s>]/[M]"));
}

TEST(TokenPlan, AFloodIsCutAfterATokenThatStandsAlone) {
  std::string text;
  for (std::size_t i = 0; i < 2 * kMaxSpecialsPerPiece + 10; ++i) text += "x<s>";
  const std::string shown = Plan(text, {});
  const std::string one(text, 0, 4 * kMaxSpecialsPerPiece);
  EXPECT_EQ(shown, one + "/" + one + "/" + text.substr(2 * one.size()));
}

}  // namespace
}  // namespace sentiric::backend
