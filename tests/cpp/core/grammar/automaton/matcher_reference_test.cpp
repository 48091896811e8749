// SPDX-License-Identifier: AGPL-3.0-only
// The matcher against a naive recogniser, on random small grammars and texts.
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "core/grammar/automaton/matcher.h"
#include "core/grammar/gbnf/compile_gbnf.h"

namespace sentiric::grammar {
namespace {

// A grammar as a tree, independent of the parser.
struct Part {
  enum Kind { kText, kAnyOf, kNoneOf, kSeq, kAlt, kRepeat, kRule } kind = kText;
  std::vector<std::string> chars;  // of kText, kAnyOf and kNoneOf
  std::vector<Part> parts;
  int min = 0, max = 0, rule = 0;  // max -1 = no bound
};

const std::vector<std::string> kAlphabet = {"a", "b", "c", "ı", "ş"};
using Text = std::vector<std::string>;  // characters

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  int Upto(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n + 1)); }
  std::string Char() { return kAlphabet[static_cast<std::size_t>(Upto(4))]; }

  Part Make(int depth) {
    Part part;
    part.kind = static_cast<Part::Kind>(depth == 0 ? Upto(2) : Upto(6));
    if (part.kind == Part::kRule) {
      part.rule = Upto(2);
    } else if (part.kind == Part::kRepeat) {
      part.min = Upto(2);
      part.max = Upto(2) == 0 ? -1 : part.min + Upto(2);
      part.parts.push_back(Make(depth - 1));
    } else if (part.kind == Part::kSeq || part.kind == Part::kAlt) {
      for (int i = Upto(3); i >= 0; --i) part.parts.push_back(Make(depth - 1));
    } else {
      const int least = part.kind == Part::kText ? 0 : 1;
      for (int i = least + Upto(1); i > 0; --i) part.chars.push_back(Char());
    }
    return part;
  }

 private:
  std::mt19937 random_;
};

std::string Write(const Part& part) {
  std::string out;
  switch (part.kind) {
    case Part::kText:
    case Part::kAnyOf:
    case Part::kNoneOf:
      for (const std::string& c : part.chars) out += c;
      if (part.kind == Part::kText) return "\"" + out + "\"";
      return (part.kind == Part::kAnyOf ? "[" : "[^") + out + "]";
    case Part::kSeq:
    case Part::kAlt:
      for (const Part& p : part.parts)
        out += (out.empty() ? "" : part.kind == Part::kSeq ? " " : " | ") + Write(p);
      return "(" + out + ")";
    case Part::kRepeat:
      if (part.min == 0 && part.max == -1) return "(" + Write(part.parts[0]) + ")*";
      if (part.min == 1 && part.max == -1) return "(" + Write(part.parts[0]) + ")+";
      return "(" + Write(part.parts[0]) + "){" + std::to_string(part.min) + "," +
             (part.max < 0 ? "" : std::to_string(part.max)) + "}";
    case Part::kRule: return std::string(1, "rxy"[part.rule]) + (part.rule == 0 ? "oot" : "");
  }
  return out;
}

// All places where a part that begins at `pos` may end. `open` is set when the text ended inside:
// then the text is the beginning of a longer one.
class Reference {
 public:
  Reference(const std::vector<Part>& rules, const Text& text) : rules_(rules), text_(text) {}

  bool Matches() { return Ends(rules_[0], 0).count(text_.size()) > 0; }
  bool open() const { return open_; }

 private:
  using Places = std::set<std::size_t>;

  Places Ends(const Part& part, std::size_t pos) {
    const auto known = known_.find({&part, pos});
    if (known != known_.end()) return known->second;
    return known_[{&part, pos}] = Find(part, pos);
  }
  Places Find(const Part& part, std::size_t pos) {
    switch (part.kind) {
      case Part::kText: return Literal(part, pos);
      case Part::kAnyOf:
      case Part::kNoneOf: return Class(part, pos);
      case Part::kRule: return Ends(rules_[static_cast<std::size_t>(part.rule)], pos);
      case Part::kRepeat: return Repeated(part, pos);
      case Part::kSeq: {
        Places at = {pos};
        for (const Part& p : part.parts) at = After(p, at);
        return at;
      }
      case Part::kAlt: break;
    }
    Places all;
    for (const Part& p : part.parts) all.merge(Ends(p, pos));
    return all;
  }
  Places After(const Part& part, const Places& from) {
    Places all;
    for (std::size_t pos : from) all.merge(Ends(part, pos));
    return all;
  }
  Places Literal(const Part& part, std::size_t pos) {
    for (const std::string& c : part.chars) {
      if (pos == text_.size()) open_ = true;
      if (pos == text_.size() || text_[pos++] != c) return {};
    }
    return {pos};
  }
  Places Class(const Part& part, std::size_t pos) {
    if (pos == text_.size()) open_ = true;
    if (pos == text_.size()) return {};
    bool is_in = false;
    for (const std::string& c : part.chars) is_in = is_in || c == text_[pos];
    return is_in == (part.kind == Part::kAnyOf) ? Places{pos + 1} : Places{};
  }
  Places Repeated(const Part& part, std::size_t pos) {
    Places at = {pos};
    for (int i = 0; i < part.min; ++i) at = After(part.parts[0], at);
    Places all = at;
    for (int i = part.min; i != part.max; ++i) {
      at = After(part.parts[0], at);
      const std::size_t num_before = all.size();
      all.insert(at.begin(), at.end());
      if (part.max < 0 && all.size() == num_before) break;
    }
    return all;
  }

  const std::vector<Part>& rules_;
  const Text& text_;
  bool open_ = false;
  std::map<std::pair<const Part*, std::size_t>, Places> known_;
};

struct Tried {
  int texts = 0, matched = 0, open = 0, refused = 0;
};

void Compare(const std::vector<Part>& rules, const std::shared_ptr<const Grammar>& grammar,
             const std::string& gbnf, Generator* generator, Tried* tried) {
  Matcher start(grammar);
  Matcher walker = start;
  Text text;
  bool refused_before = false;
  // Mostly appends characters that are accepted, so that texts get long.
  for (int i = 0; i < 24; ++i) {
    if (refused_before || generator->Upto(19) == 0) text.clear(), walker = start;
    std::string next = generator->Char();
    for (int j = generator->Upto(12); j > 0 && !walker.Accepts(next); --j) next = generator->Char();
    text.push_back(next);
    std::string bytes;
    for (const std::string& c : text) bytes += c;
    Reference reference(rules, text);
    const bool matches = reference.Matches();
    Matcher matcher = start;
    const bool alive = start.Accepts(bytes);
    const bool moved = matcher.Advance(bytes);
    const bool same = alive == (matches || reference.open()) && moved == alive &&
                      (moved && matcher.CanEnd()) == matches &&
                      walker.Advance(text.back()) == alive;
    if (!same) {
      EXPECT_EQ("text '" + bytes + "' of " + gbnf + (alive ? " lives" : " is refused"),
                "the reference");
      return;
    }
    ++tried->texts;
    tried->matched += matches;
    tried->open += reference.open();
    tried->refused += !alive;
    refused_before = !alive;
    if (!alive) text.pop_back();
  }
}

Tried CompareMany(unsigned seed, int num_texts, const Limits& limits) {
  Generator generator(seed);
  Tried tried;
  while (tried.texts < num_texts && check::Failures() == 0) {
    const std::vector<Part> rules = {generator.Make(3), generator.Make(2), generator.Make(2)};
    const std::string gbnf =
        "root ::= " + Write(rules[0]) + "\nx ::= " + Write(rules[1]) + "\ny ::= " + Write(rules[2]);
    const auto strict = CompileGbnf(gbnf, Limits::ForClient());
    // The reference does not support endless rules.
    if (!strict && strict.error().what.find("match nothing") == std::string::npos) continue;
    const auto grammar = CompileGbnf(gbnf, limits);
    if (grammar) Compare(rules, *grammar, gbnf, &generator, &tried);
  }
  return tried;
}

TEST(MatcherReference, RandomGrammars) {
  const Tried tried = CompareMany(1, 11'000, Limits::ForClient());
  EXPECT(tried.matched > 2000 && tried.open > 1500 && tried.refused > 3000);
}

TEST(MatcherReference, RandomGrammarsThatRepeatEmptyItems) {
  const Tried tried = CompareMany(2, 11'000, Limits::ForSchema());
  EXPECT(tried.matched > 2000 && tried.open > 1500 && tried.refused > 3000);
}

}  // namespace
}  // namespace sentiric::grammar
