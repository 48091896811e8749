// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/tokenizer.h"

#include <algorithm>
#include <optional>

#include "backend/model/abort_guard.h"
#include "core/seams/guarded.h"
#include "core/text/utf8.h"
#include "llama.h"

namespace sentiric::backend {
namespace {

constexpr int kControlLike = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN;
constexpr int kPartitioned = kControlLike | LLAMA_TOKEN_ATTR_USER_DEFINED;

// Calls llama_tokenize with room for one token per byte and, if that is not enough, with the room
// it asks for. May throw whatever the library throws.
void TokenizeInto(const llama_vocab* vocab, std::string_view text, bool add_special,
                  bool parse_special, std::vector<Token>* out) {
  const std::size_t old_size = out->size();
  std::size_t room = text.size() + 8;
  for (int attempt = 0; attempt < 2; ++attempt) {
    out->resize(old_size + room);
    const std::int32_t count = llama_tokenize(
        vocab, text.data(), static_cast<std::int32_t>(text.size()), out->data() + old_size,
        static_cast<std::int32_t>(room), add_special, parse_special);
    if (count >= 0) {
      out->resize(old_size + static_cast<std::size_t>(count));
      return;
    }
    room = static_cast<std::size_t>(-static_cast<std::int64_t>(count));
  }
  out->resize(old_size);
}

Status CheckText(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return OutOfRange("prompt", std::to_string(text.size()) + " bytes",
                      "at most " + std::to_string(max_bytes));
  }
  const std::size_t invalid = utf8::FirstInvalid(text);
  if (invalid == std::string_view::npos) return std::nullopt;
  return Error{ErrorCode::kInvalidArgument, "prompt",
               "the text is not valid UTF-8 at byte " + std::to_string(invalid)};
}

// A character of so many bytes.
std::string FillerOf(std::size_t bytes, char filler) {
  switch (bytes) {
    case 2: return "\xC3\x98";
    case 3: return "\xE3\x80\x87";
    case 4: return "\xF0\x9D\x94\xB8";
    default: return std::string(bytes, filler);
  }
}

// Whether a template looks for a token in what messages say, as some do to leave out thoughts.
bool IsSoughtBy(std::string_view source, std::string_view text) {
  for (const char quote : {'\'', '"'}) {
    const std::string word = quote + std::string(text) + quote;
    for (const std::string& use : {".split(" + word, word + " in ", word + " not in "}) {
      if (source.find(use) != std::string_view::npos) return true;
    }
  }
  return false;
}

// Whether a user-defined token is part of how conversations are written, and not of what is said.
// llama.cpp itself gives some control tokens this kind as it loads a file.
bool IsMark(std::string_view text, std::string_view marked_by) {
  constexpr std::size_t kShortest = 3;
  constexpr std::string_view kOpening = "<[", kWide = "\xEF\xBD\x9C";  // U+FF5C
  if (text.size() < kShortest) return false;
  const bool is_bracketed = kOpening.find(text.front()) != std::string_view::npos;
  if (!is_bracketed && text.substr(0, kWide.size()) != kWide) return false;
  const bool is_common = text.substr(0, 2) == "<|" || text.substr(text.size() - 2) == "|>";
  return is_common || marked_by.find(text) != std::string_view::npos;
}

}  // namespace

Tokenizer::Tokenizer(const llama_vocab* vocab, std::string_view marked_by)
    : vocab_(vocab),
      num_vocab_(llama_vocab_n_tokens(vocab)),
      is_bpe_(llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_BPE),
      is_spm_(llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_SPM) {
  if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) num_vocab_ = 0;
  pieces_.reserve(static_cast<std::size_t>(num_vocab_));
  for (Token token = 0; token < num_vocab_; ++token) pieces_.push_back(Piece(token, false));
  IndexSpecialTokens(marked_by);
  if (num_vocab_ > 0) LearnAffixes();
  if (is_spm_) LearnJoinable();
}

bool Tokenizer::HasAttribute(Token token, int attributes) const {
  return IsValid(token) && (llama_vocab_get_attr(vocab_, token) & attributes) != 0;
}

bool Tokenizer::IsControl(Token token) const {
  return HasAttribute(token, LLAMA_TOKEN_ATTR_CONTROL) ||
         (IsValid(token) && is_mark_[static_cast<std::size_t>(token)]);
}

bool Tokenizer::IsEog(Token token) const {
  return IsValid(token) && llama_vocab_is_eog(vocab_, token);
}

void Tokenizer::IndexSpecialTokens(std::string_view marked_by) {
  strips_right_.assign(static_cast<std::size_t>(num_vocab_), false);
  is_mark_.assign(static_cast<std::size_t>(num_vocab_), false);
  is_sought_.assign(static_cast<std::size_t>(num_vocab_), false);
  for (Token token = 0; token < num_vocab_; ++token) {
    if (!HasAttribute(token, kPartitioned)) continue;
    const char* text = llama_vocab_get_text(vocab_, token);
    const bool is_control = HasAttribute(token, kControlLike);
    const bool is_mark = !is_control && IsMark(text, marked_by);
    is_mark_[static_cast<std::size_t>(token)] = is_mark;
    is_sought_[static_cast<std::size_t>(token)] = is_mark && IsSoughtBy(marked_by, text);
    (is_control || is_mark ? control_ : user_defined_).Add(text, token);
    if (is_mark) marks_.Add(text, token);
    strips_right_[static_cast<std::size_t>(token)] = HasAttribute(token, LLAMA_TOKEN_ATTR_RSTRIP);
  }
}

// What add_special adds depends on the kind of vocabulary and on its flags: asking the library is
// simpler and safer than repeating its rules.
void Tokenizer::LearnAffixes() {
  std::vector<Token> plain;
  std::vector<Token> wrapped;
  TokenizeInto(vocab_, "a", false, false, &plain);
  TokenizeInto(vocab_, "a", true, false, &wrapped);
  const auto middle = std::search(wrapped.begin(), wrapped.end(), plain.begin(), plain.end());
  if (middle == wrapped.end()) return;
  head_.assign(wrapped.begin(), middle);
  tail_.assign(middle + static_cast<std::ptrdiff_t>(plain.size()), wrapped.end());
}

void Tokenizer::LearnJoinable() {
  for (Token token = 0; token < num_vocab_; ++token) {
    const std::string_view text = llama_vocab_get_text(vocab_, token);
    if (utf8::FirstInvalid(text) != std::string_view::npos) continue;
    if (text.empty() || DecodeCodePoint(text, 0).length == text.size()) continue;
    for (std::size_t i = 0; i < text.size();) {
      const CodePoint c = DecodeCodePoint(text, i);
      joinable_.Insert(c.value);
      i += c.length;
    }
  }
  // The library rewrites white space before it merges.
  joinable_.Insert(' ');
}

Result<std::vector<Token>> Tokenizer::Tokenize(std::string_view text, bool add_special,
                                               bool parse_special) const {
  PlanInput input;
  input.text = text;
  input.parse_special = parse_special;
  return TokenizePlanned(std::move(input), kMaxTextBytes, add_special);
}

Result<std::vector<Token>> Tokenizer::TokenizeSpans(const RenderedPrompt& prompt,
                                                    bool add_special) const {
  const std::string text = prompt.Text();
  PlanInput input;
  input.text = text;
  input.parse_special = true;
  std::size_t offset = 0;
  for (const RenderedPrompt::Span& span : prompt.spans) {
    const std::size_t end = offset + span.text.size();
    if (span.is_input && end > offset) input.untrusted.push_back({offset, end});
    offset = end;
  }
  return TokenizePlanned(std::move(input), kMaxRenderedBytes, add_special);
}

Result<std::vector<Token>> Tokenizer::TokenizePlanned(PlanInput input, std::size_t max_bytes,
                                                      bool add_special) const {
  if (Status bad = CheckText(input.text, max_bytes)) return *bad;
  if (num_vocab_ == 0)
    return Error{ErrorCode::kNotSupported, "model", "the model has no vocabulary"};
  const std::vector<LiteralMatch> user_defined = user_defined_.Find(input.text);
  std::vector<LiteralMatch> control;
  if (input.parse_special) control = control_.Find(input.text);
  input.control = &control;
  input.user_defined = &user_defined;
  const std::vector<LiteralMatch> marks = marks_.Find(input.text);
  input.marks = &marks;
  input.strips_right = &strips_right_;
  input.bound_runs = is_bpe_;
  if (is_spm_) input.joinable = &joinable_;
  const TokenPlan plan = PlanPieces(input);
  if (plan.num_specials > kMaxSpecialTokens) {
    return OutOfRange("prompt", std::to_string(plan.num_specials) + " special tokens",
                      "at most " + std::to_string(kMaxSpecialTokens));
  }
  // The library throws for vocabularies that cannot express a byte.
  return Guarded("tokenizer", [&] {
    const AbortGuard guard;
    std::vector<Token> tokens;
    for (const TextPiece& piece : plan.pieces) {
      AppendPiece(input.text.substr(piece.begin, piece.end - piece.begin), piece.parse_special,
                  &tokens);
    }
    if (!add_special) return tokens;
    tokens.insert(tokens.begin(), head_.begin(), head_.end());
    tokens.insert(tokens.end(), tail_.begin(), tail_.end());
    return tokens;
  });
}

void Tokenizer::AppendPiece(std::string_view text, bool parse_special,
                            std::vector<Token>* out) const {
  const std::size_t old_size = out->size();
  AppendContinued(text, parse_special, out);
  if (parse_special) return;
  const bool leaked = std::any_of(out->begin() + static_cast<std::ptrdiff_t>(old_size), out->end(),
                                  [this](Token token) { return IsControl(token); });
  if (!leaked) return;
  out->resize(old_size);
  AppendUntrusted(text, out);
}

// Merges can build a control token out of plain characters ("<s" + ">"). They cannot when its first
// character is tokenised in a call of its own.
void Tokenizer::AppendUntrusted(std::string_view text, std::vector<Token>* out) const {
  std::size_t begin = 0;
  for (const LiteralMatch& match : control_.Find(text)) {
    const std::size_t cut = match.begin + utf8::Classify(text.substr(match.begin)).length;
    if (cut <= begin || cut >= text.size()) continue;
    AppendContinued(text.substr(begin, cut - begin), false, out);
    begin = cut;
  }
  if (begin < text.size()) AppendContinued(text.substr(begin), false, out);
}

bool Tokenizer::EndsInText(const std::vector<Token>& tokens) const {
  return !tokens.empty() && !HasAttribute(tokens.back(), kPartitioned);
}

// SentencePiece vocabularies put a space in front of every text. A text that continues another must
// not get one, so it is tokenised behind a sentinel, which is removed afterwards. If the sentinel
// merged with the text, the first tokens show it and another sentinel is tried.
void Tokenizer::AppendContinued(std::string_view text, bool parse_special,
                                std::vector<Token>* out) const {
  if (!is_spm_ || !EndsInText(*out)) {
    TokenizeInto(vocab_, text, false, parse_special, out);
    return;
  }
  for (const char sentinel : {'\x01', '\n', '\x02'}) {
    std::vector<Token> expected;
    std::vector<Token> tokens;
    TokenizeInto(vocab_, std::string_view(&sentinel, 1), false, false, &expected);
    TokenizeInto(vocab_, std::string(1, sentinel).append(text), false, parse_special, &tokens);
    if (tokens.size() < expected.size() ||
        !std::equal(expected.begin(), expected.end(), tokens.begin())) {
      continue;
    }
    out->insert(out->end(), tokens.begin() + static_cast<std::ptrdiff_t>(expected.size()),
                tokens.end());
    return;
  }
  TokenizeInto(vocab_, text, false, parse_special, out);
}

std::string Tokenizer::MaskControlLiterals(std::string_view text, char filler,
                                           bool with_sought) const {
  std::string masked(text);
  for (const LiteralMatch& match : control_.Find(text)) {
    if (!with_sought && is_sought_[static_cast<std::size_t>(match.id)]) continue;
    for (std::size_t at = match.begin; at < match.end;) {
      const utf8::Prefix next = utf8::Classify(text.substr(at, match.end - at));
      masked.replace(at, next.length, FillerOf(next.length, filler));
      at += next.length;
    }
  }
  return masked;
}

std::string Tokenizer::Piece(Token token, bool show_special) const {
  if (!IsValid(token)) return {};
  char local[64];
  std::int32_t size = llama_token_to_piece(vocab_, token, local, sizeof local, 0, show_special);
  if (size >= 0) return std::string(local, static_cast<std::size_t>(size));
  std::string piece(static_cast<std::size_t>(-size), '\0');
  size = llama_token_to_piece(vocab_, token, piece.data(), -size, 0, show_special);
  piece.resize(static_cast<std::size_t>(std::max(size, 0)));
  return piece;
}

Result<std::string> Tokenizer::Detokenize(const std::vector<Token>& tokens,
                                          bool show_special) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (IsValid(tokens[i])) continue;
    return OutOfRange("tokens[" + std::to_string(i) + "]", std::to_string(tokens[i]),
                      "0.." + std::to_string(num_vocab_ - 1));
  }
  return Guarded("tokenizer", [&] {
    const AbortGuard guard;
    std::string text(tokens.size() * 8 + 16, '\0');
    const auto decode = [&] {
      return llama_detokenize(vocab_, tokens.data(), static_cast<std::int32_t>(tokens.size()),
                              text.data(), static_cast<std::int32_t>(text.size()), false,
                              show_special);
    };
    std::int32_t size = decode();
    if (size < 0) {
      text.resize(static_cast<std::size_t>(-static_cast<std::int64_t>(size)));
      size = decode();
    }
    text.resize(static_cast<std::size_t>(std::max(size, 0)));
    return text;
  });
}

}  // namespace sentiric::backend
