// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/gbnf/gbnf_parser.h"

#include <optional>
#include <string>
#include <utility>

#include "core/grammar/gbnf/ast_builder.h"
#include "core/grammar/gbnf/gbnf_scanner.h"

namespace sentiric::grammar {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const Limits& limits) : text_(text), limits_(limits), scan_(text) {}

  Result<Ast> Parse() {
    if (!ParseText()) return std::move(*error_);
    return builder_.Take(builder_.FindRule("root", 0));
  }

 private:
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

  bool AddClass(std::size_t offset, std::vector<CodeRange> ranges);
  std::optional<RuleId> FindRule(std::string_view name, std::size_t offset);

  bool nested() const { return builder_.num_open() > 0; }
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
  AstBuilder builder_;
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
  if (builder_.rule(*rule).body != kNoNode) {
    return Fail(start,
                "rule is defined twice; got " + QuoteName(name) + ", allowed one definition");
  }
  scan_.SkipSpace(true);
  builder_.BeginRule(*rule, start);
  if (!ParseBody()) return false;
  builder_.EndRule(*rule, scan_.offset());
  return true;
}

// Parses up to the end of the rule: the first line end outside of groups.
bool Parser::ParseBody() {
  while (!scan_.AtEnd()) {
    const char c = scan_.Peek();
    if (!nested() && (c == '\n' || c == '\r')) return true;
    if (!ParseItem(c)) return false;
    if (builder_.num_elements() > limits_.elements) {
      return TooMany(scan_.offset(), "grammar has too many elements", builder_.num_elements(),
                     limits_.elements);
    }
  }
  if (nested())
    return Fail(builder_.open_offset(),
                "group is not closed; got the end of the text, allowed ')'");
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
      builder_.NextAlternative(scan_.offset());
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
  const std::size_t first = builder_.bytes().size();
  scan_.Skip(1);
  while (scan_.AtEnd() || scan_.Peek() != '"') {
    if (scan_.AtEnd())
      return Fail(start, "literal is not closed; got the end of the text, allowed '\"'");
    const Result<CodePoint> c = scan_.WholeCharacter();
    if (!c) return Fail(c.error());
    AppendUtf8(*c, &builder_.bytes());
  }
  scan_.Skip(1);
  builder_.AddLiteral(start, first);
  SkipSpace();
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
  builder_.AddClass(offset, std::move(ranges));
  SkipSpace();
  return true;
}

bool Parser::ParseReference() {
  const std::size_t start = scan_.offset();
  const std::string_view name = scan_.Name();
  if (name.empty()) return Unexpected("an item of a rule, '|' or the end of the line");
  const std::optional<RuleId> rule = FindRule(name, start);
  if (!rule) return false;
  builder_.AddRef(start, *rule);
  SkipSpace();
  return true;
}

std::optional<RuleId> Parser::FindRule(std::string_view name, std::size_t offset) {
  if (!builder_.Knows(name) && builder_.rules().size() >= limits_.rules) {
    TooMany(offset, "too many rules", builder_.rules().size() + 1, limits_.rules);
    return std::nullopt;
  }
  return builder_.FindRule(name, offset);
}

bool Parser::ParseRepeat(char c) {
  const std::size_t start = scan_.offset();
  if (!builder_.HasItem()) {
    return Fail(start,
                "nothing to repeat; got " + scan_.Describe(start) + ", allowed an item before it");
  }
  std::uint32_t min = c == '+' ? 1 : 0;
  std::uint32_t max = c == '?' ? 1 : kUnlimited;
  scan_.Skip(1);
  SkipSpace();
  if (c == '{' && !ParseBounds(&min, &max)) return false;
  if (min > max) {
    return Fail(start, "bounds are reversed; got {" + std::to_string(min) + "," +
                           std::to_string(max) + "}, allowed {m,n} with m <= n");
  }
  builder_.RepeatItem(start, min, max);
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
  if (builder_.num_open() >= limits_.depth) {
    return TooMany(scan_.offset(), "groups are nested too deeply", builder_.num_open() + 1,
                   limits_.depth);
  }
  builder_.OpenGroup(scan_.offset());
  scan_.Skip(1);
  scan_.SkipSpace(true);
  return true;
}

bool Parser::CloseGroup() {
  if (!nested()) return Fail(scan_.offset(), "no group is open; got ')', allowed '(' before it");
  builder_.CloseGroup(scan_.offset());
  scan_.Skip(1);
  SkipSpace();
  return true;
}

bool Parser::CheckRules() {
  for (const Rule& rule : builder_.rules()) {
    if (rule.body == kNoNode) {
      return Fail(rule.offset, "rule is not defined; got " + QuoteName(rule.name) +
                                   ", allowed the name of a rule in the text");
    }
  }
  if (!builder_.Knows("root")) {
    return Fail(0, "no rule 'root'; allowed root ::= ...");
  }
  return true;
}

}  // namespace

Result<Ast> ParseGbnf(std::string_view text, const Limits& limits) {
  return Parser(text, limits).Parse();
}

}  // namespace sentiric::grammar
