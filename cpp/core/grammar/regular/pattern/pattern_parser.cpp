// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/pattern_parser.h"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/grammar/regular/character_classes.h"
#include "core/grammar/regular/pattern/other_dialects.h"
#include "core/grammar/regular/pattern/pattern_scanner.h"

namespace sentiric::grammar {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::size_t kMaxDepth = 250;

using Kind = PatternNode::Kind;

class Parser {
 public:
  explicit Parser(const std::vector<CodePoint>& text) : scan_(text) {}

  Result<Pattern> Run() {
    open_.push_back({});
    while (scan_.Peek() != kNoCharacter) {
      if (Status error = TakePart()) return *error;
    }
    if (open_.size() > 1)
      return PatternScanner::SyntaxError("an unterminated group", open_.back().offset);
    CloseGroup();
    return std::move(pattern_);
  }

 private:
  // A group that is not closed yet, or the whole pattern.
  struct Group {
    std::size_t offset = 0;
    std::optional<PatternNode> look;      // for look-around: without its child
    std::vector<PatternNodeId> choices;   // before the last "|"
    std::vector<PatternNodeId> sequence;  // behind it
  };

  PatternNodeId Add(PatternNode node) {
    pattern_.nodes.push_back(std::move(node));
    return pattern_.root();
  }

  PatternNodeId AddChars(std::vector<CodeRange> chars) {
    PatternNode node;
    node.kind = Kind::kChars;
    node.chars = std::move(chars);
    return Add(std::move(node));
  }

  PatternNodeId AddList(Kind kind, std::vector<PatternNodeId> children) {
    if (children.size() == 1) return children[0];
    PatternNode node;
    node.kind = kind;
    node.children = std::move(children);
    return Add(std::move(node));
  }

  PatternNodeId CloseGroup() {
    Group& group = open_.back();
    group.choices.push_back(AddList(Kind::kSequence, std::move(group.sequence)));
    const PatternNodeId node = AddList(Kind::kChoice, std::move(group.choices));
    open_.pop_back();
    return node;
  }

  void Append(PatternNodeId node) { open_.back().sequence.push_back(node); }

  Status AppendAssertion(Assertion assertion) {
    PatternNode node;
    node.kind = Kind::kAssertion;
    node.assertion = assertion;
    Append(Add(std::move(node)));
    return std::nullopt;
  }

  Status TakePart() {
    const std::size_t at = scan_.offset();
    const CodePoint c = scan_.Take();
    switch (c) {
      case '^': return AppendAssertion(Assertion::kStart);
      case '$': return AppendAssertion(Assertion::kEnd);
      case '.': return TakeQuantifier(AddChars(Complement(LineTerminators())));
      case '(': return OpenGroup(at);
      case ')': return TakeGroupEnd(at);
      case '|': {
        Group& group = open_.back();
        group.choices.push_back(AddList(Kind::kSequence, std::exchange(group.sequence, {})));
        return std::nullopt;
      }
      case '[': {
        Result<std::vector<CodeRange>> chars = scan_.TakeClass();
        if (!chars) return chars.error();
        return TakeQuantifier(AddChars(std::move(*chars)));
      }
      case '\\': return TakeEscape();
      default: return TakeLiteral(c, at);
    }
  }

  Status TakeLiteral(CodePoint c, std::size_t at) {
    if (c == '*' || c == '+' || c == '?')
      return PatternScanner::SyntaxError("nothing to repeat", at);
    if (c == '{') {
      if (Status error = CheckBrace(at)) return error;
    }
    return TakeQuantifier(AddChars({{c, c}}));
  }

  // A brace that is no quantifier but looks like one: digits, commas and spaces up to "}".
  Status CheckBrace(std::size_t at) const {
    std::size_t size = 0;
    bool is_number = false;
    for (CodePoint c = scan_.Peek(); c == ',' || c == ' ' || (c >= '0' && c <= '9');
         c = scan_.Peek(++size))
      is_number |= c != ' ';
    const CodePoint end = scan_.Peek(size);
    if (!is_number || (end != '}' && end != kNoCharacter)) return std::nullopt;
    const std::string got = scan_.Shown(at, size + (end == '}' ? 2 : 1));
    if (IsQuantifier(got)) return PatternScanner::SyntaxError("nothing to repeat", at);
    return PatternScanner::SyntaxError("not a quantifier", at, got, InsteadOfBraces(got));
  }

  Status TakeEscape() {
    Result<PatternScanner::Escape> escape = scan_.TakeEscape();
    if (!escape) return escape.error();
    switch (escape->kind) {
      case PatternScanner::Escape::Kind::kWordBoundary:
        return AppendAssertion(Assertion::kWordBoundary);
      case PatternScanner::Escape::Kind::kNotWordBoundary:
        return AppendAssertion(Assertion::kNotWordBoundary);
      case PatternScanner::Escape::Kind::kSet:
        return TakeQuantifier(AddChars(std::move(escape->set)));
      case PatternScanner::Escape::Kind::kChar: break;
    }
    return TakeQuantifier(AddChars(Normalize({{escape->c, escape->c}})));
  }

  // "?=", "?!", "?<=" or "?<!", or nothing.
  std::optional<PatternNode> TakeLook(std::size_t at) {
    PatternNode look;
    look.kind = Kind::kLook;
    look.offset = at;
    look.is_behind = scan_.Peek(1) == '<';
    for (const char* sign : {"?=", "?<=", "?!", "?<!"}) {
      look.is_negated = sign[1] == '!' || sign[2] == '!';
      if (scan_.Accept(sign)) return look;
    }
    return std::nullopt;
  }

  Status TakeGroupEnd(std::size_t at) {
    if (open_.size() == 1) return PatternScanner::SyntaxError("a lone )", at);
    std::optional<PatternNode> look = std::move(open_.back().look);
    const PatternNodeId group = CloseGroup();
    if (!look) return TakeQuantifier(group);
    look->children = {group};
    Append(Add(std::move(*look)));
    return std::nullopt;
  }

  Status OpenGroup(std::size_t at) {
    std::optional<PatternNode> look = TakeLook(at);
    if (look) {
      // not a group of its own
    } else if (scan_.Accept("?<")) {
      std::optional<std::u32string> name = scan_.TakeGroupName();
      if (!name) return PatternScanner::SyntaxError("an invalid name of a group", at);
      if (!names_.insert(std::move(*name)).second) {
        return PatternScanner::SyntaxError("a second group of the same name", at);
      }
    } else if (!scan_.Accept("?:") && scan_.Peek() == '?') {
      return BadGroup(at);
    }
    if (open_.size() > kMaxDepth) return PatternScanner::Unsupported("a group deeper than 250", at);
    open_.push_back({at, std::move(look), {}, {}});
    return std::nullopt;
  }

  // "(?" and what ECMA-262 does not know.
  Error BadGroup(std::size_t at) const {
    const std::string opening = scan_.Shown(at, 40);
    const std::optional<OtherGroup> other = FindOtherGroup(opening);
    if (!other) {
      return PatternScanner::SyntaxError("an invalid group", at, scan_.Shown(at, 3),
                                         "(, (?:, (?<name>, (?=, (?!, (?<= or (?<!");
    }
    if (other->equivalent.empty())
      return PatternScanner::Unsupported(other->name, at, other->way_out);
    return PatternScanner::SyntaxError(
        other->name, at, scan_.Shown(at, other->equivalent.size() + 1), other->equivalent);
  }

  // Appends what precedes, repeated if a quantifier follows. Greedy and lazy match the same texts.
  Status TakeQuantifier(PatternNodeId repeated) {
    const std::size_t at = scan_.offset();
    std::optional<PatternScanner::Braces> times;
    if (scan_.Accept('*')) {
      times = {0, PatternNode::kUnlimited};
    } else if (scan_.Accept('+')) {
      times = {1, PatternNode::kUnlimited};
    } else if (scan_.Accept('?')) {
      times = {0, 1};
    } else {
      times = scan_.TakeBraces();
    }
    if (times) {
      if (times->min > times->max) return PatternScanner::SyntaxError("numbers out of order", at);
      scan_.Accept('?');
      PatternNode node;
      node.kind = Kind::kRepeat;
      node.children = {repeated};
      node.min = times->min;
      node.max = times->max;
      repeated = Add(std::move(node));
    }
    Append(repeated);
    return std::nullopt;
  }

  PatternScanner scan_;
  Pattern pattern_;
  std::vector<Group> open_;
  std::set<std::u32string> names_;
};

}  // namespace

Result<Pattern> ParsePattern(std::string_view utf8) {
  std::vector<CodePoint> text;
  if (utf8.size() > kMaxBytes) {
    return Error{ErrorCode::kInvalidGrammar, "pattern",
                 "too long; got " + std::to_string(utf8.size()) + " bytes, allowed " +
                     std::to_string(kMaxBytes)};
  }
  if (!DecodeAll(utf8, &text)) {
    return Error{ErrorCode::kInvalidGrammar, "pattern", "not valid UTF-8"};
  }
  return Parser(text).Run();
}

}  // namespace sentiric::grammar
