// SPDX-License-Identifier: AGPL-3.0-only
// Converts text to tokens and back for one vocabulary; safe for untrusted text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "backend/model/literal_finder.h"
#include "backend/model/token_plan.h"
#include "sentiric/prompt.h"
#include "sentiric/types.h"

struct llama_vocab;

namespace sentiric::backend {

inline constexpr std::size_t kMaxTextBytes = std::size_t{2} << 20;
inline constexpr std::size_t kMaxRenderedBytes = std::size_t{4} << 20;
// Some vocabularies take 70 us per special token: this many take 9 s.
inline constexpr std::size_t kMaxSpecialTokens = std::size_t{1} << 17;

// Immutable after construction; any thread may call. Tokenize* recurse deeply in some vocabularies
// and must run on a DeepStackPool. The vocabulary must outlive the tokenizer.
//
// Token ids equal those of llama.cpp for the whole text in one call, except:
// - Control tokens written inside message content are text (TokenizeSpans).
// - Runs above the limits of run_splitter.h are cut (BPE vocabularies).
// - A series of more than kMaxSpecialsPerPiece overlapping special tokens is cut.
// Text is checked first: kInvalidArgument for malformed UTF-8 (with the byte offset), text above
// the byte limit and more than kMaxSpecialTokens special tokens. NUL is a character like any other.
class Tokenizer {
 public:
  // marked_by: source of the chat template. Tokens that it writes are control tokens here even if
  // the file calls them "user-defined", and so are all that begin with "<|" or end with "|>".
  explicit Tokenizer(const llama_vocab* vocab, std::string_view marked_by = {});

  // At most kMaxTextBytes. add_special: adds the BOS and EOS that the model wants. Without
  // parse_special the text yields no control tokens.
  Result<std::vector<Token>> Tokenize(std::string_view text, bool add_special,
                                      bool parse_special) const;

  // At most kMaxRenderedBytes. Recognises control tokens in the template's spans only.
  Result<std::vector<Token>> TokenizeSpans(const RenderedPrompt& prompt, bool add_special) const;

  // kInvalidArgument for ids outside the vocabulary. Leaves out control tokens unless show_special.
  // Removes the space that some vocabularies put in front of a text.
  Result<std::string> Detokenize(const std::vector<Token>& tokens, bool show_special) const;

  // The bytes of one token, perhaps part of a character; empty for ids outside the vocabulary.
  std::string Piece(Token token, bool show_special) const;
  // Piece(token, false) of every token: control tokens are empty.
  const std::vector<std::string>& pieces() const { return pieces_; }

  bool IsValid(Token token) const { return token >= 0 && token < num_vocab_; }
  bool IsEog(Token token) const;  // ends the model's turn
  bool IsControl(Token token) const;
  // Whether the text contains the written form of a control token.
  bool HasControlLiteral(std::string_view text) const { return control_.Contains(text); }
  std::vector<LiteralMatch> FindControlLiterals(std::string_view text) const {
    return control_.Find(text);
  }
  // The text with every control literal overwritten by filler, character by character by one of the
  // same length, so that JSON escapes as many. The filler is an ASCII letter or digit.
  // Without `with_sought`, those marks stay that the template looks for in messages.
  std::string MaskControlLiterals(std::string_view text, char filler = 'x',
                                  bool with_sought = true) const;

  std::int32_t num_vocab() const { return num_vocab_; }
  // Tokens that add_special puts in front of and behind a text.
  const std::vector<Token>& head() const { return head_; }
  const std::vector<Token>& tail() const { return tail_; }
  const llama_vocab* vocab() const { return vocab_; }

 private:
  void IndexSpecialTokens(std::string_view marked_by);
  void LearnAffixes();
  void LearnJoinable();
  Result<std::vector<Token>> TokenizePlanned(PlanInput input, std::size_t max_bytes,
                                             bool add_special) const;
  void AppendPiece(std::string_view text, bool parse_special, std::vector<Token>* out) const;
  void AppendUntrusted(std::string_view text, std::vector<Token>* out) const;
  void AppendContinued(std::string_view text, bool parse_special, std::vector<Token>* out) const;
  bool EndsInText(const std::vector<Token>& tokens) const;
  bool HasAttribute(Token token, int attributes) const;

  // All constant after construction.
  const llama_vocab* vocab_;
  std::int32_t num_vocab_;
  bool is_bpe_;
  bool is_spm_;
  std::vector<bool> is_mark_;    // by token: user-defined, but what conversations are made of
  std::vector<bool> is_sought_;  // by token: a mark that the template splits texts at
  LiteralFinder control_;        // control and unknown tokens, and marks
  LiteralFinder user_defined_;   // recognised by llama.cpp in every mode
  LiteralFinder marks_;          // these too, but control tokens here
  std::vector<bool> strips_right_;
  CodePointSet joinable_;  // SentencePiece: characters that can be merged
  std::vector<Token> head_;
  std::vector<Token> tail_;
  std::vector<std::string> pieces_;
};

}  // namespace sentiric::backend
