// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/gbnf_parser.h"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/grammar/gbnf_scanner.h"

namespace sentiric::grammar {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const Limits& limits) : text_(text), limits_(limits), scan_(text) {}

  Result<Ast> Parse() {
    if (!ParseText()) return std::move(*error_);
    return std::move(ast_);
  }

 private:
  // An open group; groups_[0] is the body of the rule itself.
  struct Group {
    std::size_t offset = 0;
    std::vector<NodeId> alternatives;
    std::vector<NodeId> items;
  };

  bool ParseText();
  bool ParseRule();
  bool ParseBody();
  bool ParseItem(char c);
  bool ParseLiteral();
  bool ParseClass();
  bool ParseClassRange(std::vector<CodeRange>* ranges);
  bool ParseReference();
  bool ParseRepeat(char c);
  bool ParseBounds(std::uint32_t* min, std::uint32_t* max);
  bool ParseBound(std::uint32_t* bound);
  bool OpenGroup();
  bool CloseGroup();
  bool CheckRules();

  NodeId FinishGroup();
  NodeId FinishSequence(Group* group);
  bool AddItem(Node node);
  bool AddClass(std::size_t offset, std::vector<CodeRange> ranges);
  bool AddLiteralChar(std::size_t offset, CodePoint c);
  NodeId AddNode(const Node& node);
  NodeId AddParent(NodeKind kind, std::size_t offset, const std::vector<NodeId>& children);
  std::optional<RuleId> FindRule(std::string_view name, std::size_t offset);

  bool nested() const { return groups_.size() > 1; }
  void SkipSpace() { scan_.SkipSpace(nested()); }
  bool Fail(std::size_t offset, std::string what) {
    return Fail(scan_.Fail(offset, std::move(what)));
  }
  bool Fail(Error error) {
    error_ = std::move(error);
    return false;
  }
  bool TooMany(std::size_t offset, const char* what, std::size_t got, std::size_t allowed) {
    return Fail(offset, std::string(what) + "; got " + std::to_string(got) + ", allowed " +
                            std::to_string(allowed));
  }
  bool Unexpected(const char* allowed) {
    return Fail(scan_.offset(),
                "unexpected text; got " + scan_.Describe(scan_.offset()) + ", allowed " + allowed);
  }

  const std::string_view text_;
  const Limits& limits_;
  Scanner scan_;
  Ast ast_;
  std::vector<Group> groups_;
  std::unordered_map<std::string_view, RuleId> rule_ids_;  // views text_
  std::map<std::vector<CodeRange>, std::uint32_t> class_ids_;
  std::optional<Error> error_;
};

bool Parser::ParseText() {
  if (text_.size() > limits_.text_bytes) {
    return TooMany(0, "text is too long", text_.size(), limits_.text_bytes);
  }
  for (scan_.SkipSpace(true); !scan_.AtEnd(); scan_.SkipSpace(true)) {
    if (!ParseRule()) return false;
  }
  return CheckRules();
}

bool Parser::ParseRule() {
  const std::size_t start = scan_.offset();
  const std::string_view name = scan_.Name();
  if (name.empty()) return Unexpected("the name of a rule (letters, digits and '-')");
  scan_.SkipSpace(false);
  if (scan_.Peek() != ':' || scan_.Peek(1) != ':' || scan_.Peek(2) != '=') {
    return Unexpected("::= after the name of a rule (letters, digits and '-')");
  }
  scan_.Skip(3);
  const std::optional<RuleId> rule = FindRule(name, start);
  if (!rule) return false;
  if (ast_.rules[*rule].body != kNoNode) {
    return Fail(start,
                "rule is defined twice; got " + QuoteName(name) + ", allowed one definition");
  }
  scan_.SkipSpace(true);
  groups_.clear();
  groups_.emplace_back();
  groups_.back().offset = scan_.offset();
  if (!ParseBody()) return false;
  ast_.rules[*rule].offset = static_cast<std::uint32_t>(start);
  ast_.rules[*rule].body = FinishGroup();
  return true;
}

// Up to the end of the rule, which is the end of a line outside groups.
bool Parser::ParseBody() {
  while (!scan_.AtEnd()) {
    const char c = scan_.Peek();
    if (!nested() && (c == '\n' || c == '\r')) return true;
    if (!ParseItem(c)) return false;
    if (ast_.nodes.size() + ast_.bytes.size() > limits_.elements) {
      return TooMany(scan_.offset(), "grammar has too many elements",
                     ast_.nodes.size() + ast_.bytes.size(), limits_.elements);
    }
  }
  if (nested())
    return Fail(groups_.back().offset, "group is not closed; got the end of the text, allowed ')'");
  return true;
}

bool Parser::ParseItem(char c) {
  switch (c) {
    case '"': return ParseLiteral();
    case '[': return ParseClass();
    case '(': return OpenGroup();
    case ')': return CloseGroup();
    case '*':
    case '+':
    case '?':
    case '{': return ParseRepeat(c);
    case '.': scan_.Skip(1); return AddClass(scan_.offset() - 1, Complement({}));
    case '|':
      groups_.back().alternatives.push_back(FinishSequence(&groups_.back()));
      scan_.Skip(1);
      scan_.SkipSpace(true);
      return true;
    case '<':
    case '!':
      return Fail(scan_.offset(), "token references are not supported; got " +
                                      scan_.Describe(scan_.offset()) +
                                      ", allowed the text of the token as a literal");
    default: return ParseReference();
  }
}

bool Parser::ParseLiteral() {
  const std::size_t start = scan_.offset();
  Node node;
  node.kind = NodeKind::kLiteral;
  node.first = static_cast<std::uint32_t>(ast_.bytes.size());
  scan_.Skip(1);
  while (scan_.AtEnd() || scan_.Peek() != '"') {
    if (scan_.AtEnd())
      return Fail(start, "literal is not closed; got the end of the text, allowed '\"'");
    const std::size_t offset = scan_.offset();
    const Result<CodePoint> c = scan_.Character();
    if (!c) return Fail(c.error());
    if (!AddLiteralChar(offset, *c)) return false;
  }
  scan_.Skip(1);
  node.count = static_cast<std::uint32_t>(ast_.bytes.size()) - node.first;
  node.offset = static_cast<std::uint32_t>(start);
  return AddItem(node);
}

bool Parser::AddLiteralChar(std::size_t offset, CodePoint c) {
  if (IsHighSurrogate(c) && scan_.Peek() == '\\' && scan_.Peek(1) == 'u') {
    const Result<CodePoint> low = scan_.Character();
    if (!low) return Fail(low.error());
    if (IsLowSurrogate(*low)) {
      AppendUtf8(0x10000 + ((c - 0xD800) << 10) + (*low - 0xDC00), &ast_.bytes);
      return true;
    }
  }
  if (IsHighSurrogate(c) || IsLowSurrogate(c)) {
    return Fail(offset, "half a character; got a lone surrogate, allowed a pair of them or \\U");
  }
  AppendUtf8(c, &ast_.bytes);
  return true;
}

bool Parser::ParseClass() {
  const std::size_t start = scan_.offset();
  scan_.Skip(1);
  const bool negated = scan_.Peek() == '^';
  if (negated) scan_.Skip(1);
  std::vector<CodeRange> ranges;
  while (scan_.AtEnd() || scan_.Peek() != ']') {
    if (scan_.AtEnd())
      return Fail(start, "class is not closed; got the end of the text, allowed ']'");
    if (!ParseClassRange(&ranges)) return false;
  }
  scan_.Skip(1);
  ranges = Normalize(std::move(ranges));
  return AddClass(start, negated ? Complement(ranges) : std::move(ranges));
}

bool Parser::ParseClassRange(std::vector<CodeRange>* ranges) {
  const std::size_t start = scan_.offset();
  const Result<CodePoint> first = scan_.Character();
  if (!first) return Fail(first.error());
  CodePoint last = *first;
  if (scan_.Peek() == '-' && scan_.Peek(1) != ']') {
    scan_.Skip(1);
    if (scan_.AtEnd())
      return Fail(start, "class is not closed; got the end of the text, allowed ']'");
    const Result<CodePoint> end = scan_.Character();
    if (!end) return Fail(end.error());
    last = *end;
  }
  if (last < *first) {
    return Fail(start, "range is reversed; got an end before its start, allowed [first-last]");
  }
  ranges->push_back({*first, last});
  return true;
}

bool Parser::AddClass(std::size_t offset, std::vector<CodeRange> ranges) {
  if (ranges.empty()) {
    return Fail(offset,
                "class matches no character; got an empty class, allowed at least one character");
  }
  const auto added = class_ids_.emplace(ranges, static_cast<std::uint32_t>(ast_.classes.size()));
  if (added.second) ast_.classes.push_back(std::move(ranges));
  Node node;
  node.kind = NodeKind::kClass;
  node.offset = static_cast<std::uint32_t>(offset);
  node.first = added.first->second;
  return AddItem(node);
}

bool Parser::ParseReference() {
  const std::size_t start = scan_.offset();
  const std::string_view name = scan_.Name();
  if (name.empty()) return Unexpected("an item of a rule, '|' or the end of the line");
  const std::optional<RuleId> rule = FindRule(name, start);
  if (!rule) return false;
  Node node;
  node.kind = NodeKind::kRef;
  node.offset = static_cast<std::uint32_t>(start);
  node.first = *rule;
  return AddItem(node);
}

std::optional<RuleId> Parser::FindRule(std::string_view name, std::size_t offset) {
  const auto added = rule_ids_.emplace(name, static_cast<RuleId>(ast_.rules.size()));
  if (added.second) {
    if (ast_.rules.size() >= limits_.rules) {
      TooMany(offset, "too many rules", ast_.rules.size() + 1, limits_.rules);
      return std::nullopt;
    }
    Rule rule;
    rule.name = std::string(name);
    rule.offset = static_cast<std::uint32_t>(offset);
    ast_.rules.push_back(std::move(rule));
  }
  return added.first->second;
}

bool Parser::ParseRepeat(char c) {
  const std::size_t start = scan_.offset();
  std::vector<NodeId>& items = groups_.back().items;
  if (items.empty())
    return Fail(start,
                "nothing to repeat; got " + scan_.Describe(start) + ", allowed an item before it");
  Node node;
  node.kind = NodeKind::kRepeat;
  node.offset = static_cast<std::uint32_t>(start);
  node.first = items.back();
  node.min = c == '+' ? 1 : 0;
  node.max = c == '?' ? 1 : kUnlimited;
  scan_.Skip(1);
  SkipSpace();
  if (c == '{' && !ParseBounds(&node.min, &node.max)) return false;
  if (node.min > node.max) {
    return Fail(start, "bounds are reversed; got {" + std::to_string(node.min) + "," +
                           std::to_string(node.max) + "}, allowed {m,n} with m <= n");
  }
  items.back() = AddNode(node);
  return true;
}

bool Parser::ParseBounds(std::uint32_t* min, std::uint32_t* max) {
  if (!ParseBound(min)) return false;
  *max = *min;
  if (scan_.Peek() == ',') {
    scan_.Skip(1);
    SkipSpace();
    *max = kUnlimited;
    if (scan_.Peek() != '}' && !ParseBound(max)) return false;
  }
  if (scan_.Peek() != '}') return Unexpected("'}' to close {m}, {m,} or {m,n}");
  scan_.Skip(1);
  SkipSpace();
  return true;
}

bool Parser::ParseBound(std::uint32_t* bound) {
  const std::size_t start = scan_.offset();
  const std::optional<std::uint32_t> number = scan_.Number();
  if (!number) return Unexpected("a number, as in {m}, {m,} or {m,n}");
  if (*number > limits_.repetition) {
    return TooMany(start, "repetition bound is too large", *number, limits_.repetition);
  }
  *bound = *number;
  SkipSpace();
  return true;
}

bool Parser::OpenGroup() {
  if (groups_.size() > limits_.depth) {
    return TooMany(scan_.offset(), "groups are nested too deeply", groups_.size(), limits_.depth);
  }
  groups_.emplace_back();
  groups_.back().offset = scan_.offset();
  scan_.Skip(1);
  scan_.SkipSpace(true);
  return true;
}

bool Parser::CloseGroup() {
  if (!nested()) return Fail(scan_.offset(), "no group is open; got ')', allowed '(' before it");
  const NodeId node = FinishGroup();
  groups_.pop_back();
  groups_.back().items.push_back(node);
  scan_.Skip(1);
  SkipSpace();
  return true;
}

NodeId Parser::FinishGroup() {
  Group& group = groups_.back();
  group.alternatives.push_back(FinishSequence(&group));
  if (group.alternatives.size() == 1) return group.alternatives.front();
  return AddParent(NodeKind::kChoice, group.offset, group.alternatives);
}

NodeId Parser::FinishSequence(Group* group) {
  const std::vector<NodeId> items = std::exchange(group->items, {});
  return items.size() == 1 ? items.front() : AddParent(NodeKind::kSequence, scan_.offset(), items);
}

bool Parser::AddItem(Node node) {
  groups_.back().items.push_back(AddNode(node));
  SkipSpace();
  return true;
}

NodeId Parser::AddNode(const Node& node) {
  ast_.nodes.push_back(node);
  return static_cast<NodeId>(ast_.nodes.size() - 1);
}

NodeId Parser::AddParent(NodeKind kind, std::size_t offset, const std::vector<NodeId>& children) {
  Node node;
  node.kind = kind;
  node.offset = static_cast<std::uint32_t>(offset);
  node.first = static_cast<std::uint32_t>(ast_.children.size());
  node.count = static_cast<std::uint32_t>(children.size());
  ast_.children.insert(ast_.children.end(), children.begin(), children.end());
  return AddNode(node);
}

bool Parser::CheckRules() {
  for (const Rule& rule : ast_.rules) {
    if (rule.body == kNoNode) {
      return Fail(rule.offset, "rule is not defined; got " + QuoteName(rule.name) +
                                   ", allowed the name of a rule in the text");
    }
  }
  const auto root = rule_ids_.find("root");
  if (root == rule_ids_.end()) {
    return Fail(0, "no rule to begin with; got no rule 'root', allowed root ::= ...");
  }
  ast_.root = root->second;
  return true;
}

}  // namespace

Result<Ast> ParseGbnf(std::string_view text, const Limits& limits) {
  return Parser(text, limits).Parse();
}

}  // namespace sentiric::grammar
