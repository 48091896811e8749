// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/text_stream.h"

#include "check.h"
#include "core/text/utf8.h"

using sentiric::StopRules;
using sentiric::StopSearch;
using sentiric::TextStream;

namespace {

TextStream StreamThatStopsAt(std::vector<std::string> stop) {
  StopRules rules;
  rules.stop = std::move(stop);
  return TextStream(StopSearch(rules));
}

// The text when the bytes come in pieces of `size`.
std::string InPieces(const std::string& bytes, std::size_t size,
                     const std::vector<std::string>& stop) {
  TextStream stream = StreamThatStopsAt(stop);
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += size)
    text += stream.Append(bytes.substr(at, size));
  return text + stream.Finish();
}

}  // namespace

TEST(TextStream, CompleteCharactersOnly) {
  TextStream stream = StreamThatStopsAt({});
  EXPECT_EQ(stream.Append("a\xC4"), "a");
  EXPECT_EQ(stream.Append("\xB1z"), "\xC4\xB1z");
  EXPECT_EQ(stream.Append("\xF0\x9F\x98"), "");
  EXPECT_EQ(stream.Finish(), "\xEF\xBF\xBD");
}

TEST(TextStream, BytesThatAreNoTextBecomeReplacements) {
  EXPECT_EQ(InPieces("a\xFF"
                     "b",
                     1, {}),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(InPieces("\xE2\x82"
                     "x",
                     1, {}),
            "\xEF\xBF\xBD"
            "x");
}

TEST(TextStream, AStopStringIsHeldBackAndRemoved) {
  TextStream stream = StreamThatStopsAt({"STOP"});
  EXPECT_EQ(stream.Append("one ST"), "one ");
  EXPECT_EQ(stream.Append("ART ST"), "START ");
  EXPECT_EQ(stream.Append("OP two"), "");
  EXPECT_EQ(stream.stopped_by().value_or(""), "STOP");
  EXPECT_EQ(stream.Append("more"), "");
  EXPECT_EQ(stream.Finish(), "");
}

TEST(TextStream, WhatLooksLikeAStopIsGivenBackAtTheEnd) {
  EXPECT_EQ(InPieces("ends with STO", 1, {"STOP"}), "ends with STO");
}

TEST(TextStream, TheSameTextHoweverItIsCut) {
  const std::string bytes = "İstanbul'da ğüşıöç 😀 \xFF dur. xaby ab end";
  for (const std::vector<std::string>& stop :
       std::vector<std::vector<std::string>>{{}, {"xaby", "ab"}, {"dur", "d"}, {"😀 "}, {"none"}}) {
    const std::string whole = InPieces(bytes, bytes.size(), stop);
    for (std::size_t size = 1; size < bytes.size(); ++size)
      EXPECT_EQ(InPieces(bytes, size, stop), whole);
  }
}

TEST(Utf8, FindsTheFirstBadByte) {
  using sentiric::utf8::FirstInvalid;
  EXPECT_EQ(FirstInvalid("çay 😀"), std::string::npos);
  EXPECT_EQ(FirstInvalid("ab\xC0\x80"), 2u);         // overlong
  EXPECT_EQ(FirstInvalid("a\xED\xA0\x80"), 1u);      // surrogate
  EXPECT_EQ(FirstInvalid("a\xF4\x90\x80\x80"), 1u);  // beyond U+10FFFF
  EXPECT_EQ(FirstInvalid("a\xC4"), 1u);
}
