// SPDX-License-Identifier: AGPL-3.0-only
// Random structures over two characters against a matcher that tries every way.
#include <random>
#include <set>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/structure/allowed.h"

namespace sentiric::grammar {
namespace {

struct Node {
  std::string kind;
  // Of a text; those that a schema, raw node or pattern has; what stands between repetitions.
  std::vector<std::string> texts;
  std::vector<Node> children;
  std::size_t min = 0, max = 0;
};

class RandomStructures {
 public:
  explicit RandomStructures(unsigned seed) : random_(seed) {}

  Node Make(int depth) {
    const unsigned kind = Below(depth > 0 ? 9 : 5);
    if (kind < 2) return {"text", {Text(2)}, {}};
    if (kind == 2) return {"free", {NotEmpty(2), NotEmpty(3)}, {}};
    if (kind == 3) return {Below(2) == 0 ? "raw" : "schema", {Text(2), Text(2)}, {}};
    if (kind == 4) return {"regex", {Text(2), NotEmpty(2)}, {}};
    Node node{kind < 7 ? "sequence" : kind < 8 ? "choice" : "repeat", {}, {}};
    const unsigned count = node.kind == "repeat" ? 1 : 1 + Below(3);
    for (unsigned i = 0; i < count; ++i) node.children.push_back(Make(depth - 1));
    node.min = Below(3);
    node.max = Below(2) == 0 ? kEver : node.min + Below(3);
    if (node.kind == "repeat") node.texts = {Text(2)};
    return node;
  }

  static constexpr std::size_t kEver = 99;

 private:
  unsigned Below(unsigned n) { return random_() % n; }
  std::string Text(unsigned max) {
    std::string text;
    for (unsigned i = Below(max + 1); i > 0; --i) text += static_cast<char>('a' + Below(2));
    return text;
  }
  std::string NotEmpty(unsigned max) { return Text(max - 1) + static_cast<char>('a' + Below(2)); }

  std::mt19937 random_;
};

std::string Quote(const std::string& text) { return "\"" + text + "\""; }

std::string Json(const Node& node) {
  if (node.kind == "text") return R"({"text":)" + Quote(node.texts[0]) + "}";
  if (node.kind == "regex")
    return R"({"regex":"(?:)" + node.texts[0] + "|" + node.texts[1] + R"()*"})";
  const std::string name = "{" + Quote(node.kind) + ":";
  if (node.kind == "free")
    return name + "[" + Quote(node.texts[0]) + "," + Quote(node.texts[1]) + "]}";
  if (node.kind == "raw" || node.kind == "schema")
    return name + R"({"enum":[)" + Quote(node.texts[0]) + "," + Quote(node.texts[1]) + "]}}";
  if (node.kind == "repeat") {
    const std::string max =
        node.max == RandomStructures::kEver ? "" : ",\"max\":" + std::to_string(node.max);
    return name + Json(node.children[0]) + ",\"min\":" + std::to_string(node.min) + max +
           ",\"between\":" + Quote(node.texts[0]) + "}";
  }
  std::string list;
  for (const Node& child : node.children) list += (list.empty() ? "" : ",") + Json(child);
  return name + "[" + list + "]}";
}

using Places = std::set<std::size_t>;

Places After(const Node& node, const std::string& text, const Places& from);

Places AfterTexts(const std::vector<std::string>& texts, const std::string& text,
                  const Places& from) {
  Places to;
  for (const std::size_t at : from) {
    for (const std::string& one : texts) {
      if (text.compare(at, one.size(), one) == 0) to.insert(at + one.size());
    }
  }
  return to;
}

Places AfterFree(const std::vector<std::string>& parts, const std::string& text,
                 const Places& from) {
  Places to;
  for (const std::size_t at : from) {
    for (std::size_t end = at; end <= text.size(); ++end) {
      const std::string piece = text.substr(at, end - at);
      bool is_free = true;
      for (const std::string& part : parts) is_free &= piece.find(part) == std::string::npos;
      if (is_free) to.insert(end);
    }
  }
  return to;
}

// All places after at least `min` and at most `max` times what `step` does; it is told how often it
// was done before.
template <typename Step>
Places AfterRepeat(std::size_t min, std::size_t max, Places from, Step step) {
  Places to;
  for (std::size_t i = 0; i <= std::min(max, std::size_t{16}); ++i) {
    if (i >= min) to.insert(from.begin(), from.end());
    from = step(from, i);
  }
  return to;
}

Places After(const Node& node, const std::string& text, const Places& from) {
  if (node.kind == "text" || node.kind == "raw") return AfterTexts(node.texts, text, from);
  if (node.kind == "schema")
    return AfterTexts({Quote(node.texts[0]), Quote(node.texts[1])}, text, from);
  if (node.kind == "free") return AfterFree(node.texts, text, from);
  if (node.kind == "regex") {
    return AfterRepeat(0, RandomStructures::kEver, from, [&](const Places& at, std::size_t) {
      return AfterTexts(node.texts, text, at);
    });
  }
  if (node.kind == "repeat") {
    return AfterRepeat(node.min, node.max, from, [&](const Places& at, std::size_t before) {
      return After(node.children[0], text, before == 0 ? at : AfterTexts(node.texts, text, at));
    });
  }
  Places to;
  if (node.kind == "sequence") {
    to = from;
    for (const Node& child : node.children) to = After(child, text, to);
    return to;
  }
  for (const Node& child : node.children) to.merge(After(child, text, from));
  return to;
}

// Texts over a, b and the quotation mark, by number.
std::string TextOf(unsigned number) {
  std::string text;
  for (; number > 0; number = (number - 1) / 3) text += "ab\""[(number - 1) % 3];
  return text;
}

TEST(RandomStructures, AllowWhatANaiveMatcherAllows) {
  constexpr unsigned kTexts = 1093;  // of up to six characters
  for (unsigned seed = 0; seed < 400; ++seed) {
    const Node node = RandomStructures(seed).Make(3);
    const std::string json = Json(node);
    const auto grammar = CompileStructure(json);
    ASSERT(grammar.ok());
    for (unsigned i = 0; i < kTexts; ++i) {
      const std::string text = TextOf(i);
      Matcher matcher(*grammar);
      const bool is_allowed = matcher.Advance(text) && matcher.CanEnd();
      const bool is_expected = After(node, text, {0}).count(text.size()) > 0;
      if (is_allowed != is_expected) {
        EXPECT_EQ(json + (is_allowed ? " allows " : " refuses ") + text, "");
        return;
      }
    }
  }
}

}  // namespace
}  // namespace sentiric::grammar
