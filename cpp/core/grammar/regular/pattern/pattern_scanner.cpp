// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/pattern_scanner.h"

#include <algorithm>
#include <utility>

#include "core/grammar/regular/character_classes.h"
#include "core/grammar/regular/pattern/other_dialects.h"
#include "core/grammar/regular/pattern/unicode_properties.h"

namespace sentiric::grammar {
namespace {

using Escape = PatternScanner::Escape;

bool IsDigit(CodePoint c) { return c >= '0' && c <= '9'; }
bool IsLetter(CodePoint c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsWord(CodePoint c) { return IsDigit(c) || IsLetter(c) || c == '_'; }

int HexValue(CodePoint c) {
  if (IsDigit(c)) return static_cast<int>(c - '0');
  const CodePoint lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? static_cast<int>(lower - 'a') + 10 : -1;
}

Escape OfChar(CodePoint c) { return {Escape::Kind::kChar, c, {}}; }
Escape OfSet(std::vector<CodeRange> set) { return {Escape::Kind::kSet, 0, std::move(set)}; }

// \d, \D and so on; nullptr for other letters.
const std::vector<CodeRange>* ClassOfLetter(CodePoint c) {
  switch (c) {
    case 'd':
    case 'D': return &Digits();
    case 'w':
    case 'W': return &WordCharacters();
    case 's':
    case 'S': return &WhiteSpace();
    default: return nullptr;
  }
}

}  // namespace

PatternScanner::PatternScanner(const std::vector<CodePoint>& text) : text_(text) { CountGroups(); }

// References may stand before their groups.
void PatternScanner::CountGroups() {
  bool in_class = false;
  for (; pos_ < text_.size(); ++pos_) {
    const CodePoint c = Peek();
    if (c == '\\') {
      ++pos_;
    } else if (in_class || c == '[') {
      in_class = c != ']';
    } else if (c == '(') {
      const bool is_named = Peek(1) == '?' && Peek(2) == '<' && Peek(3) != '=' && Peek(3) != '!';
      if (is_named || Peek(1) != '?') ++num_groups_;
    }
  }
  pos_ = 0;
}

bool PatternScanner::Accept(CodePoint c) {
  if (Peek() != c) return false;
  ++pos_;
  return true;
}

bool PatternScanner::Accept(std::string_view ascii) {
  for (std::size_t i = 0; i < ascii.size(); ++i) {
    if (Peek(i) != static_cast<CodePoint>(ascii[i])) return false;
  }
  pos_ += ascii.size();
  return true;
}

std::string PatternScanner::Shown(std::size_t from, std::size_t size) const {
  constexpr std::size_t kMost = 40;
  std::string shown;
  for (std::size_t i = 0; i < std::min(size, kMost) && from + i < text_.size(); ++i)
    AppendUtf8(text_[from + i], &shown);
  return size > kMost ? shown + "..." : shown;
}

Error PatternScanner::SyntaxError(const std::string& what, std::size_t at) {
  return {ErrorCode::kInvalidGrammar, "pattern", what + PlaceInPattern(at)};
}

Error PatternScanner::SyntaxError(const std::string& what, std::size_t at, const std::string& got,
                                  const std::string& allowed) {
  Error error = SyntaxError(what, at);
  error.what += "; got " + got + ", allowed " + allowed;
  return error;
}

Error PatternScanner::Unsupported(const std::string& what, std::size_t at,
                                  const std::string& way_out) {
  Error error = SyntaxError(what, at);
  error.what += " is not supported" + (way_out.empty() ? "" : "; " + way_out);
  return error;
}

// Takes nothing when there are fewer digits.
std::optional<CodePoint> PatternScanner::TakeHex(int digits) {
  CodePoint value = 0;
  for (int i = 0; i < digits; ++i) {
    const int digit = HexValue(Peek(static_cast<std::size_t>(i)));
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<CodePoint>(digit);
  }
  pos_ += static_cast<std::size_t>(digits);
  return value;
}

// Behind "\u": four digits, a pair of surrogates, or "{...}".
std::optional<CodePoint> PatternScanner::TakeUnicode() {
  const std::size_t begin = pos_;
  if (Accept('{')) {
    CodePoint value = 0;
    int digits = 0;
    for (; HexValue(Peek()) >= 0; ++digits) {
      value = std::min<CodePoint>(value * 16 + static_cast<CodePoint>(HexValue(Take())),
                                  kMaxCodePoint + 1);
    }
    if (digits > 0 && value <= kMaxCodePoint && Accept('}')) return value;
    pos_ = begin;
    return std::nullopt;
  }
  const std::optional<CodePoint> high = TakeHex(4);
  if (!high || !IsHighSurrogate(*high)) return high;
  const std::size_t behind = pos_;
  if (Accept("\\u")) {
    const std::optional<CodePoint> low = TakeHex(4);
    if (low && IsLowSurrogate(*low)) return 0x10000 + ((*high & 0x3FF) << 10) + (*low & 0x3FF);
  }
  pos_ = behind;
  return high;
}

std::optional<std::uint32_t> PatternScanner::TakeNumber() {
  if (!IsDigit(Peek())) return std::nullopt;
  std::uint64_t value = 0;
  while (IsDigit(Peek())) value = std::min<std::uint64_t>(value * 10 + (Take() - '0'), 1ULL << 31);
  return static_cast<std::uint32_t>(value);
}

std::optional<PatternScanner::Braces> PatternScanner::TakeBraces() {
  const std::size_t begin = pos_;
  Braces braces;
  if (Accept('{')) {
    if (const std::optional<std::uint32_t> min = TakeNumber()) {
      braces = {*min, *min};
      if (Accept(',')) braces.max = TakeNumber().value_or(UINT32_MAX);
      if (Accept('}')) return braces;
    }
  }
  pos_ = begin;
  return std::nullopt;
}

std::optional<std::u32string> PatternScanner::TakeGroupName() {
  std::u32string name;
  while (Peek() != kNoCharacter && Peek() != '>') {
    CodePoint c = Take();
    if (c == '\\') {
      const std::optional<CodePoint> escaped = Accept('u') ? TakeUnicode() : std::nullopt;
      if (!escaped) return std::nullopt;
      c = *escaped;
    }
    const bool is_start = IsLetter(c) || c == '_' || c == '$' || IsIdentifierStart(c);
    if (!is_start && (name.empty() || !(IsDigit(c) || IsIdentifierPart(c)))) return std::nullopt;
    name.push_back(static_cast<char32_t>(c));
  }
  if (name.empty() || !Accept('>')) return std::nullopt;
  return name;
}

// The escape that ends here.
Error PatternScanner::BadEscape(std::size_t at, const std::string& allowed) const {
  return SyntaxError("an unknown escape", at, Shown(at, pos_ - at), allowed);
}

Result<Escape> PatternScanner::TakeDecimalEscape(CodePoint c, bool in_class, std::size_t at) {
  if (c == '0' && !IsDigit(Peek())) return OfChar(0);
  --pos_;
  const std::uint32_t number = TakeNumber().value_or(0);
  if (c == '0' || in_class) return BadEscape(at, "\\xHH with two hexadecimal digits");
  if (number <= num_groups_) return Unsupported("a back-reference", at);
  return SyntaxError("a reference to no group", at, Shown(at, pos_ - at),
                     "no references, or \\xHH for a character");
}

// Behind \p or \P.
Result<Escape> PatternScanner::TakeProperty(bool negated, std::size_t at) {
  std::string name, value;
  std::string* part = &name;
  bool is_pair = false;
  const std::string allowed = "a property of ECMA-262 such as \\p{L} or \\p{Script=Greek}";
  if (!Accept('{')) return BadEscape(at, allowed);
  while (IsWord(Peek()) || (Peek() == '=' && !is_pair)) {
    if (Peek() == '=') {
      Take();
      is_pair = true;
      part = &value;
    } else {
      part->push_back(static_cast<char>(Take()));
    }
  }
  std::optional<std::vector<CodeRange>> chars;
  if (Accept('}')) chars = is_pair ? FindProperty(name, value) : FindProperty(name);
  if (!chars) return BadEscape(at, allowed);
  return OfSet(negated ? Complement(*chars) : std::move(*chars));
}

// Punctuation may be escaped needlessly (\-, \_, \@): with the flag u that is an error, and no
// dialect reads it as anything else.
Result<Escape> PatternScanner::TakeCharacterEscape(CodePoint c, std::size_t at) {
  switch (c) {
    case 't': return OfChar('\t');
    case 'n': return OfChar('\n');
    case 'v': return OfChar('\v');
    case 'f': return OfChar('\f');
    case 'r': return OfChar('\r');
    case 'c':
      if (IsLetter(Peek())) return OfChar(Take() % 32);
      return BadEscape(at, "\\cA to \\cZ");
    case 'x':
      if (const auto value = TakeHex(2)) return OfChar(*value);
      return BadEscape(at, "\\xHH with two hexadecimal digits");
    case 'u':
      if (const auto value = TakeUnicode()) return OfChar(*value);
      return BadEscape(at, "\\uHHHH with four hexadecimal digits, or \\u{H}");
    case 'k': return Unsupported("a back-reference", at);
    default: break;
  }
  if (IsLetter(c)) return BadEscape(at, InsteadOfEscape(c));
  return OfChar(c);
}

Result<Escape> PatternScanner::TakeEscape() {
  const std::size_t at = pos_ - 1;
  if (Peek() == kNoCharacter) return SyntaxError("a backslash at the end", at);
  const CodePoint c = Take();
  if (c == 'b') return Escape{Escape::Kind::kWordBoundary, 0, {}};
  if (c == 'B') return Escape{Escape::Kind::kNotWordBoundary, 0, {}};
  if (IsDigit(c)) return TakeDecimalEscape(c, false, at);
  if (c == 'p' || c == 'P') return TakeProperty(c == 'P', at);
  if (const std::vector<CodeRange>* set = ClassOfLetter(c)) {
    return OfSet(c >= 'a' ? *set : Complement(*set));
  }
  return TakeCharacterEscape(c, at);
}

Result<Escape> PatternScanner::TakeClassAtom() {
  const std::size_t at = pos_;
  const CodePoint c = Take();
  if (c != '\\') return OfChar(c);
  const CodePoint next = Peek();
  if (next == 'b') return OfChar(Take() - 'b' + '\b');
  if (next == kNoCharacter) return SyntaxError("a backslash at the end", at);
  if (IsDigit(next)) return TakeDecimalEscape(Take(), true, at);
  if (ClassOfLetter(next) || next == 'p' || next == 'P') return TakeEscape();
  return TakeCharacterEscape(Take(), at);
}

// [[:alpha:]] would be read as one of "[:alph" and then "]".
Status PatternScanner::CheckPosixClass() const {
  if (Peek() != '[' || Peek(1) != ':') return std::nullopt;
  std::size_t end = 2;
  while (IsLetter(Peek(end))) ++end;
  if (Peek(end) != ':' || Peek(end + 1) != ']') return std::nullopt;
  const std::optional<std::string> instead = InsteadOfPosixClass(Shown(pos_ + 2, end - 2));
  if (!instead) return std::nullopt;
  return SyntaxError("a POSIX class", pos_, Shown(pos_, end + 2), *instead);
}

// "-" beside a class such as \w stands for itself: with the flag u that is an error, and no dialect
// reads it as anything else.
Result<std::vector<CodeRange>> PatternScanner::TakeClass() {
  const std::size_t at = pos_ - 1;
  const bool negated = Accept('^');
  std::vector<CodeRange> ranges;
  const auto add = [&](const Escape& atom) {
    if (atom.kind == Escape::Kind::kChar) ranges.push_back({atom.c, atom.c});
    ranges.insert(ranges.end(), atom.set.begin(), atom.set.end());
  };
  while (!Accept(']')) {
    if (Peek() == kNoCharacter) return SyntaxError("an unterminated class", at);
    if (Status error = CheckPosixClass()) return std::move(*error);
    const std::size_t begin = pos_;
    const Result<Escape> first = TakeClassAtom();
    if (!first) return first.error();
    if (Peek() != '-' || Peek(1) == ']' || Peek(1) == kNoCharacter) {
      add(*first);
      continue;
    }
    Take();
    const Result<Escape> last = TakeClassAtom();
    if (!last) return last.error();
    if (first->kind == Escape::Kind::kChar && last->kind == Escape::Kind::kChar) {
      if (first->c > last->c) return SyntaxError("a range out of order", begin);
      ranges.push_back({first->c, last->c});
    } else {
      add(*first);
      add(OfChar('-'));
      add(*last);
    }
  }
  ranges = Normalize(std::move(ranges));
  return negated ? Complement(ranges) : ranges;
}

}  // namespace sentiric::grammar
