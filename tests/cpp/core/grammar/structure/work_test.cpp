// SPDX-License-Identifier: AGPL-3.0-only
// What the compilation of structures takes out of the budget of work.
#include <memory>
#include <string>

#include "check.h"
#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/schema/work_budget.h"
#include "core/grammar/structure/structure_reader.h"
#include "core/grammar/structure/structure_writer.h"

namespace sentiric::grammar {
namespace {

std::size_t WorkOf(const std::string& structure) {
  const auto work = std::make_shared<WorkBudget>();
  Result<StructureNode> root = ReadStructure(structure);
  EXPECT_EQ(root ? "" : root.error().Message(), "");
  if (!root) return 0;
  ProgramWriter program;
  const Result<Sub> sub = StructureWriter(&program, work).Run(&*root);
  EXPECT_EQ(sub ? "" : sub.error().Message(), "");
  return WorkBudget::kMax - work->left();
}

// As many members, all with one value: texts of many states, which all contain "</p>".
std::string Schema(int num_members) {
  const std::string value = R"({"type":"string","pattern":"^x(a|b)*a(a|b){9}</p>$"})";
  std::string properties;
  for (int i = 0; i < num_members; ++i)
    properties += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + "\":" + value;
  return R"({"type":"object","additionalProperties":false,"properties":{)" + properties + "}}";
}

constexpr std::size_t kStates = 1024;  // at least so many has the pattern, each with two edges

std::string Marked(int num_members, const std::string& end) {
  return R"({"members":)" + Schema(num_members) +
         R"(,"begin":"<p=","raw_key_end":">","json_key_end":">","after":"","end":")" + end + "\"}";
}

std::string Between(int num_members, const std::string& quote) {
  return R"({"schema":)" + Schema(num_members) + R"(,"quote":")" + quote + "\"}";
}

TEST(WorkOfStructures, WritingTextsAsTheyAreIsPaid) {
  const std::size_t json = WorkOf(Between(1, ""));
  EXPECT(json > kStates);
  for (const char* end : {"</p>", "<|>"}) {
    EXPECT(WorkOf(Marked(1, end)) > json + 2 * kStates);
  }
  EXPECT(WorkOf(Between(1, "<|>")) > json + 2 * kStates);
}

TEST(WorkOfStructures, OneValueOfManyMembersIsPaidOnce) {
  constexpr std::size_t kMore = 500;
  for (const char* end : {"</p>", "<|>"}) {
    const std::size_t more = WorkOf(Marked(10 + kMore, end)) - WorkOf(Marked(10, end));
    EXPECT(more < 100 * kMore);
  }
  const std::size_t more = WorkOf(Between(10 + kMore, "<|>")) - WorkOf(Between(10, "<|>"));
  EXPECT(more < 100 * kMore);
}

TEST(WorkOfStructures, NodesWithMarksArePaid) {
  const std::string schema = R"({"members":{"type":"object"},"begin":"<","raw_key_end":">",)"
                             R"("json_key_end":">","after":"","end":")";
  const std::size_t of_short = WorkOf(schema + "|\"}");
  const std::size_t of_long = WorkOf(schema + std::string(200, '|') + "\"}");
  EXPECT(of_long > of_short + WorkBudget::kEdge * 200);
}

}  // namespace
}  // namespace sentiric::grammar
