// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/stop_search.h"

#include "check.h"

using sentiric::StopRules;
using sentiric::StopSearch;

namespace {

struct Answer {
  std::string text;
  std::string stopped_by;  // "" = nothing
};

// What is left of an answer that comes in pieces of `size`.
Answer InPieces(const StopRules& rules, const std::string& answer, std::size_t size, bool was_cut) {
  StopSearch search(rules);
  Answer result;
  std::string held;
  for (std::size_t at = 0; at < answer.size() && !search.stopped_by(); at += size) {
    held += answer.substr(at, size);
    result.text += search.Take(&held);
  }
  if (!search.stopped_by()) result.text += search.TakeRest(&held, was_cut);
  result.stopped_by = search.stopped_by().value_or("");
  return result;
}

// Expects `text` and `stopped_by` of an answer however it is split.
void ExpectAnswer(const StopRules& rules, const std::string& answer, const std::string& text,
                  const std::string& stopped_by, bool was_cut = false) {
  for (std::size_t size = 1; size <= answer.size(); ++size) {
    const Answer found = InPieces(rules, answer, size, was_cut);
    EXPECT_EQ(found.text, text);
    EXPECT_EQ(found.stopped_by, stopped_by);
  }
}

StopRules StopAtLineEnds() {
  StopRules rules;
  rules.stop = {"\n", "END"};
  return rules;
}

StopRules Thinking(bool is_open) {
  StopRules rules = StopAtLineEnds();
  rules.thought_begin = "<t>";
  rules.thought_end = "</t>";
  rules.is_in_thought = is_open;
  return rules;
}

}  // namespace

TEST(StopSearch, TheFirstOneThatIsCompleteEndsTheText) {
  ExpectAnswer(StopAtLineEnds(), "one END two\n", "one ", "END");
  ExpectAnswer(StopAtLineEnds(), "\none", "", "\n");
  ExpectAnswer(StopAtLineEnds(), "one EN", "one EN", "");
}

TEST(StopSearch, AThoughtAndTheBlanksBehindItDoNotStop) {
  ExpectAnswer(Thinking(false), "<t>\na END\n</t>\n\nyes\nno", "<t>\na END\n</t>\n\nyes", "\n");
  ExpectAnswer(Thinking(true), "\na END\n</t>\n\nyes\nno", "\na END\n</t>\n\nyes", "\n");
  ExpectAnswer(Thinking(false), "<t>\na </", "<t>\na </", "");
}

TEST(StopSearch, AnAnswerWithoutAThoughtStops) {
  ExpectAnswer(Thinking(false), "<ta\n", "<ta", "\n");
  ExpectAnswer(Thinking(false), "\n<t>", "", "\n");
}

TEST(StopSearch, AThoughtBeginsAnAnswerOnly) {
  ExpectAnswer(Thinking(false), "yes <t> a\n</t>", "yes <t> a", "\n");
  StopRules closed = Thinking(false);
  closed.thought_begin.clear();
  ExpectAnswer(closed, "<t>a\n", "<t>a", "\n");
}

TEST(StopSearch, NothingStopsFromACallOn) {
  StopRules rules = Thinking(false);
  rules.call_marks = {"<call>", "[CALLS]"};
  ExpectAnswer(rules, "a <call>{\"b\":\"END\"}\n", "a <call>{\"b\":\"END\"}\n", "");
  ExpectAnswer(rules, "<t>\n</t>[CALLS]\nEND", "<t>\n</t>[CALLS]\nEND", "");
  ExpectAnswer(rules, "a <calm>\n<call>", "a <calm>", "\n");
  ExpectAnswer(rules, "a\n<call>", "a", "\n");
}

TEST(StopSearch, AStopStringDoesNotCutAMark) {
  StopRules rules;
  rules.stop = {"<c", "call>", "l"};
  rules.call_marks = {"<call>", "[CALLS]"};
  ExpectAnswer(rules, "a <call> <c", "a <call> <c", "");
  ExpectAnswer(rules, "a <calm> b", "a ", "<c");
  ExpectAnswer(rules, "al <call>", "a", "l");
  ExpectAnswer(rules, "a [CALLS]l", "a [CALLS]l", "");
  rules.stop = {"a <"};
  ExpectAnswer(rules, "a <call>", "a <call>", "");
  ExpectAnswer(rules, "a <b", "", "a <");
}

TEST(StopSearch, TheEndOfTheTextDecidesWhatMayHaveBeenAMark) {
  StopRules rules;
  rules.stop = {"<c"};
  rules.call_marks = {"<call>"};
  ExpectAnswer(rules, "a <cal", "a ", "<c");
  ExpectAnswer(rules, "a <cal", "a <cal", "", /*was_cut=*/true);
  ExpectAnswer(rules, "a <", "a <", "");
}

TEST(StopSearch, AnOpeningIsACallOnlyWhereTheAnswerBegins) {
  StopRules rules = Thinking(false);
  rules.call_opening = "{\"";
  ExpectAnswer(rules, "{\"a\":\"\n\"}", "{\"a\":\"\n\"}", "");
  ExpectAnswer(rules, "<t>x</t>\n{\"a\n", "<t>x</t>\n{\"a\n", "");
  ExpectAnswer(rules, "a {\"b\n", "a {\"b", "\n");
  ExpectAnswer(rules, "{\n", "{", "\n");
}
