// SPDX-License-Identifier: AGPL-3.0-only
// The real sampler over a small vocabulary, for loops around the fake decoder.
#pragma once

#include "core/grammar/automaton/grammar.h"
#include "core/grammar/gbnf/compile_gbnf.h"
#include "core/grammar/structure/compile_structure.h"
#include "core/sampling/row_edits.h"
#include "core/sampling/row_picker.h"
#include "core/sampling/seed.h"
#include "core/sampling/vocab_sampler.h"
#include "fakes.h"

namespace sentiric::testing {

// kEnd, two tokens that the fake decoder does not bear, signs of JSON and words of them, halves of
// characters, letters.
inline constexpr Token kOpen = 62, kClose = 63;  // control tokens of a vocabulary that has them

inline std::shared_ptr<const sampling::Vocab> SmallVocab(bool has_control = false) {
  auto vocab = std::make_shared<sampling::Vocab>();
  vocab->pieces = {"",     "\x01", "\x02", "\n",   "{",    "}",    "[",  "]",  ":",    ",",
                   "\"",   " ",    "\":",  "na",   "me",   "name", "si", "ze", "\xC4", "\xB1",
                   "\xC5", "\x9F", "\xE2", "\x82", "\xAC", "0",    "1",  "2",  "3",    "4"};
  for (char letter = 'a'; vocab->pieces.size() < kVocab; ++letter) {
    vocab->pieces.emplace_back(1, letter);
  }
  if (has_control) {
    vocab->pieces[kOpen] = vocab->pieces[kClose] = "";
    vocab->control_tokens = {{"<t>", kOpen}, {"</t>", kClose}};
  }
  vocab->end_tokens = {kEnd};
  vocab->is_end.resize(kVocab, false);
  vocab->is_end[kEnd] = true;
  vocab->trie = std::make_unique<grammar::TokenTrie>(vocab->pieces);
  return vocab;
}

// The longest piece first.
inline std::vector<Token> TokenizeSmall(const sampling::Vocab& vocab, std::string_view text) {
  std::vector<Token> tokens;
  while (!text.empty()) {
    Token best = kEnd;
    for (Token token = kPoison + 1; token < vocab.size(); ++token) {
      const std::string& piece = vocab.pieces[static_cast<std::size_t>(token)];
      const bool is_longer = piece.size() > vocab.pieces[static_cast<std::size_t>(best)].size();
      if (is_longer && text.substr(0, piece.size()) == piece) best = token;
    }
    if (best == kEnd) return {};
    tokens.push_back(best);
    text.remove_prefix(vocab.pieces[static_cast<std::size_t>(best)].size());
  }
  return tokens;
}

class VocabFactory : public SamplerFactory {
 public:
  explicit VocabFactory(bool has_control = false) : vocab_(SmallVocab(has_control)) {}

  Result<std::unique_ptr<TokenSampler>> Create(const Request& request,
                                               const PreparedPrompt& prompt) override {
    auto picker = std::make_unique<sampling::RowPicker>(
        request.sampling, vocab_.get(), sampling::BannedTokens(request, vocab_->end_tokens),
        sampling::FoldSeed(request.sampling.seed));
    const sampling::Tokenize tokenize = [vocab = vocab_](std::string_view text) {
      return TokenizeSmall(*vocab, text);
    };
    std::optional<sampling::Thought> thought;
    if (request.thinking) {
      auto made = sampling::Thought::Make(*request.thinking, *vocab_, tokenize);
      if (!made) return made.error();
      thought = std::move(made).value();
    }
    return std::unique_ptr<TokenSampler>(std::make_unique<sampling::VocabSampler>(
        vocab_, request, prompt, std::move(picker), tokenize, std::move(thought)));
  }

 private:
  const std::shared_ptr<const sampling::Vocab> vocab_;
};

// With the grammar that the request names.
class GrammarPrompts : public FakePrompts {
 public:
  using FakePrompts::FakePrompts;
  Result<PreparedPrompt> Prepare(const Request& request, std::int32_t max_prompt) override {
    auto prepared = FakePrompts::Prepare(request, max_prompt);
    if (prepared && request.grammar.kind == GrammarSpec::Kind::kGbnf) {
      prepared->grammar = *grammar::CompileGbnf(request.grammar.text, grammar::Limits::ForClient());
    }
    if (prepared && request.grammar.kind == GrammarSpec::Kind::kStructure)
      prepared->grammar = *grammar::CompileStructure(request.grammar.text);
    return prepared;
  }
};

}  // namespace sentiric::testing
