// SPDX-License-Identifier: AGPL-3.0-only
// Objects without repeated keys, against a direct reading of the text.
#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "core/grammar/automaton/matcher.h"
#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/tokens/token_trie.h"

namespace sentiric::grammar {
namespace {

Pc List(ProgramWriter* w, Pc member, Pc loop, const char* separator, const char* close) {
  const Pc end = w->Text(close, kReturnPc);
  w->Bind(loop, w->Split({end, w->Text(separator, member)}));
  return w->Split({end, member});
}

// value  = object | array | digit | string
// object = { "key":value,... }, where a key is letters; "fix" is a property of its own
// array  = [ "letters",... ], no item twice
std::shared_ptr<const Grammar> MakeFree(bool remember = true,
                                        std::size_t memo = Grammar::kMaxMemoBytes) {
  ProgramWriter w;
  const auto unique = [&w, remember](Pc begin) { return remember ? w.KeyBegin(begin) : begin; };
  const auto end = [&w, remember](Pc next) { return remember ? w.KeyEnd(next) : next; };
  const Sub value = w.NewSub();
  const auto quoted = [&w](Pc next) {
    const Pc chars = w.Reserve();
    w.Bind(chars, w.Bytes({{'a', 'z', chars}, {'"', '"', next}}));
    return w.Text("\"", chars);
  };
  const Sub object = w.NewSub();
  Pc loop = w.Reserve();
  const Pc fix = w.Text("\"fix\"!", w.Call(value, loop));
  const Pc key = unique(quoted(end(w.Text(":", w.Call(value, loop)))));
  w.SetEntry(object, w.Text("{", List(&w, w.Split({key, fix}), loop, ",", "}")), false);
  const Sub array = w.NewSub();
  loop = w.Reserve();
  w.SetEntry(array, w.Text("[", List(&w, unique(quoted(end(loop))), loop, ",", "]")), false);
  w.SetEntry(value,
             w.Split({w.Call(object, kReturnPc), w.Call(array, kReturnPc),
                      w.Byte({'0', '9'}, kReturnPc), quoted(kReturnPc)}),
             false);
  auto program = w.Finish(value);
  EXPECT_EQ(program ? "" : program.error().Message(), "");
  return std::make_shared<Grammar>(std::move(*program), memo);
}

// Whether the beginning of a text of that grammar repeats no key.
bool RepeatsNothing(const std::string& text) {
  std::vector<std::set<std::string>> open;
  std::vector<char> kind;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' || c == '[') open.emplace_back(), kind.push_back(c);
    if (c == '}' || c == ']') open.pop_back(), kind.pop_back();
    if (c != '"') continue;
    const std::size_t end = text.find('"', i + 1);
    if (end == std::string::npos) return true;
    const bool is_value = i > 0 && (text[i - 1] == ':' || text[i - 1] == '!');
    const bool is_fix = end + 1 < text.size() && text[end + 1] == '!';
    const bool counts = !kind.empty() && !is_value && !is_fix;
    const bool may_be_fix = !kind.empty() && kind.back() == '{' && end + 1 == text.size() &&
                            text.substr(i, end + 1 - i) == "\"fix\"";
    if (counts && !open.back().insert(text.substr(i, end - i)).second && !may_be_fix) return false;
    i = end;
  }
  return true;
}

std::vector<std::string> Vocabulary() {
  std::vector<std::string> tokens = {
      "",     "{\"",     "\":",    "\",\"",     "\":1,\"",      "a\"", "ab\"", "a\":2",
      "b\":", "\"a\":",  "\"b\":", "\",\"a\"",  "\"]",          "\"}", "}}",   "\":{\"a\"",
      "fix",  "\"fix\"", "x\":",   ",\"a\":",   "aa",           "ab",  "ba",   "\"fix\"!1",
      "fi",   "x\"",     "\"!",    "a\",\"a\"", "a\":1,\"a\":1"};
  for (const char c : std::string("{}[]\",:!123abfix")) tokens.emplace_back(1, c);
  return tokens;
}

// Returns the tokens that may follow.
std::vector<std::string> ExpectSameAsAccepts(const TokenTrie& trie,
                                             const std::vector<std::string>& tokens,
                                             Matcher* matcher) {
  std::vector<std::string> allowed;
  const auto mask = trie.Allowed(matcher);
  if (!EXPECT(mask)) return allowed;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const bool accepted = !tokens[t].empty() && matcher->Accepts(tokens[t]);
    if (accepted) allowed.push_back(tokens[t]);
    if ((*mask)->Contains(static_cast<Token>(t)) != accepted)
      EXPECT_EQ("token '" + tokens[t] + "'", accepted ? "allowed" : "refused");
  }
  EXPECT_EQ((*mask)->num_allowed, allowed.size());
  EXPECT(trie.Known(matcher) == *mask);
  return allowed;
}

TEST(Keys, MasksAreWhatAcceptsSays) {
  const std::vector<std::string> tokens = Vocabulary();
  const TokenTrie trie(tokens);
  std::mt19937 random(11);
  const auto grammar = MakeFree();
  const auto forgetful = MakeFree(false);
  int num_refused = 0, num_moves = 0;
  for (int round = 0; round < 500; ++round) {
    Matcher matcher(grammar);
    Matcher well_formed(forgetful);
    std::string text = round % 3 == 0 ? "[\"a\",\"b\"" : "{\"ab\":{\"a\":1";
    ASSERT(matcher.Advance(text) && well_formed.Advance(text));
    for (int step = 0; step < 200 && check::Failures() == 0; ++step) {
      const std::string& token = tokens[random() % tokens.size()];
      if (!well_formed.Accepts(token)) continue;
      const bool is_new = RepeatsNothing(text + token);
      EXPECT_EQ(matcher.Accepts(token), is_new);
      num_refused += !is_new;
      if (!is_new) continue;
      EXPECT(matcher.Advance(token) && well_formed.Advance(token));
      text += token;
      ++num_moves;
      ExpectSameAsAccepts(trie, tokens, &matcher);
    }
  }
  EXPECT(num_refused > 200 && num_moves > 3000);
}

bool Follows(Matcher matcher, const std::string& text) {
  return matcher.Advance(text) && matcher.CanEnd();
}

TEST(Keys, EachRunOfASubroutineRemembersItsOwn) {
  const Matcher matcher(MakeFree());
  for (const char* good :
       {R"({})", R"({"a":1,"b":2})", R"({"a":{"a":1,"b":{"a":1}},"b":["a","b"]})",
        R"(["a","b","ab"])", R"({"a":"a","b":"a"})", R"({"fix"!1,"fix":2,"fix"!3})",
        R"({"":1,"a":["","a"]})"}) {
    EXPECT(Follows(matcher, good));
  }
  for (const char* bad : {R"({"a":1,"a":2})", R"({"a":{"b":1},"a":2})", R"({"a":{"a":1,"a":1}})",
                          R"(["a","b","a"])", R"({"b":["a","a"]})", R"({"fix":1,"fix":2})",
                          R"({"":1,"":1})", R"({"a":1,"b":2,"c":3,"a":2})"}) {
    EXPECT(!Follows(matcher, bad));
  }
}

TEST(Keys, ReplacedMemosKeepThem) {
  const auto grammar = MakeFree(true, 60'000);
  Matcher matcher(grammar);
  ASSERT(matcher.Advance("{\"first\":{"));
  const auto automaton = grammar->automaton();
  const auto name = [](int i) {
    std::string text;
    for (; i > 0; i /= 26) text += static_cast<char>('a' + i % 26);
    return "\"" + text + "\":";
  };
  for (int i = 1; i <= 150; ++i) ASSERT(matcher.Advance((i > 1 ? "," : "") + name(i) + "1"));
  EXPECT(grammar->automaton() != automaton);
  for (int i = 1; i <= 150; ++i) EXPECT(!matcher.Accepts("," + name(i)));
  EXPECT(matcher.Accepts("," + name(151)));
  EXPECT(matcher.Advance("}") && !matcher.Accepts(",\"first\":") && matcher.Accepts(",\"a\":"));
}

TEST(Keys, TooManyFail) {
  Matcher matcher(MakeFree());
  ASSERT(matcher.Advance("["));
  int n = 0;
  for (; n < 100'000; ++n) {
    std::string item;
    for (int i = n, k = 0; k < 5; i /= 26, ++k) item += static_cast<char>('a' + i % 26);
    if (!matcher.Advance((n > 0 ? ",\"" : "\"") + item + "\"")) break;
  }
  EXPECT(matcher.BudgetExceeded() && n > 1000 && n <= 10'000);
  ASSERT(matcher.error());
  EXPECT_EQ(matcher.error()->code, ErrorCode::kGrammarTooComplex);
}

// { k:1, ... } with keys a, b, ca, cb and cc: after all of them only '}' may follow.
TEST(Keys, FiniteKeysLeadToNoDeadEnd) {
  ProgramWriter w;
  const Sub root = w.NewSub();
  const Pc loop = w.Reserve();
  const Pc end = w.KeyEnd(w.Text(":1", loop));
  const Pc colon = w.Reserve();
  w.Bind(colon, w.KeyRoom(1, end));
  const Pc c = w.KeyRoom(3, w.Byte({'a', 'c'}, colon));
  const Pc key = w.KeyBegin(w.Bytes({{'a', 'b', colon}, {'c', 'c', c}}));
  w.Bind(loop, w.Split({w.Text("}", kReturnPc), w.KeyRoom(5, w.Text(",", key))}));
  w.SetEntry(root, w.Text("{", key), false);
  const auto grammar = std::make_shared<Grammar>(std::move(*w.Finish(root)));
  const std::vector<std::string> tokens = {
      "a", "b", "c",    "ca", "cb:", "cc", ",",   ",c",  ",b",  ":1,", ":1}",    ":1",
      "}", ":", ":1,c", "{c", "1",   "{",  "{a:", "1,a", "1,b", "cb",  "a:1,b:", "a:1,a"};
  const TokenTrie trie(tokens);
  std::mt19937 random(2);
  int num_full = 0;
  for (int round = 0; round < 300; ++round) {
    Matcher matcher(grammar);
    std::string text;
    while (!matcher.CanEnd() && check::Failures() == 0) {
      const std::vector<std::string> next = ExpectSameAsAccepts(trie, tokens, &matcher);
      ASSERT(EXPECT_EQ(next.empty() ? text : "", ""));  // never stuck
      const std::string& token = next[random() % next.size()];
      ASSERT(matcher.Advance(token));
      text += token;
    }
    num_full += std::count(text.begin(), text.end(), ':') == 5;
  }
  EXPECT(num_full > 20);
}

}  // namespace
}  // namespace sentiric::grammar
