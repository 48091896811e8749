// SPDX-License-Identifier: AGPL-3.0-only
// Prepares the prompts of one loaded model: template, tokenizer, truncation and grammars.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/model/tokenizer.h"
#include "backend/prompt/chat_template.h"
#include "core/grammar/grammar_cache.h"
#include "sentiric/engine.h"
#include "sentiric/prompt.h"

struct llama_model;

namespace sentiric::backend {

class Model;

// Implements PromptBuilder. All calls need a deep stack. Message content never yields control
// tokens, and errors never contain prompt text.
//
// Truncation: kDropTurns drops as few of the oldest turns as possible, never system messages or the
// last turn; for text and token prompts, which have no turns, it means kError. kShift keeps the
// head (`keep`) and the newest tokens. A prompt that still does not fit is kContextLengthExceeded.
// `keep` is BOS and, in a conversation, everything that does not depend on the text after the
// system messages and the tools.
class ModelPromptBuilder final : public PromptBuilder {
 public:
  // chat_template: Jinja that replaces the model's own; empty = the model's. With a broken
  // template, conversations fail with kTemplateFailed; text and tokens still work. finds_openings:
  // whether to find `opening` in conversations, which costs a second rendering.
  ModelPromptBuilder(std::shared_ptr<const Model> model, const std::string& chat_template,
                     bool finds_openings = false);
  // The model must outlive the builder.
  ModelPromptBuilder(const llama_model* model, const std::string& chat_template);

  Result<PreparedPrompt> Prepare(const Request& request, std::int32_t max_prompt) override;
  Result<RenderedPrompt> Render(const Prompt& prompt, bool add_generation_prompt,
                                bool finds_messages) override;
  Result<std::vector<Token>> TokenizeChat(const Prompt& prompt,
                                          bool add_generation_prompt) override;
  Result<std::vector<Token>> Tokenize(std::string_view text, bool add_special,
                                      bool parse_special) override;
  Result<std::string> Detokenize(const std::vector<Token>& tokens, bool show_special) override;

  const Tokenizer& tokenizer() const { return tokenizer_; }
  const ChatTemplate& chat_template() const { return chat_; }
  // Fills in the chat template and its origin.
  void Describe(ModelInfo* info) const;
  // Adds the counters of the grammar cache.
  void AddStats(EngineStats* stats) const;

 private:
  using Tokens = std::vector<Token>;

  Result<PreparedPrompt> PrepareChat(const Request& request, std::int32_t max_prompt) const;
  Result<PreparedPrompt> PrepareTokens(Tokens tokens, Truncation truncation,
                                       std::int32_t max_prompt) const;
  Result<PreparedPrompt> FitByDropping(const Prompt& given, std::size_t num_tokens,
                                       std::int32_t max_prompt, const RenderOptions& options) const;
  Result<Tokens> TokenizeChat(const Prompt& given, bool add_generation_prompt,
                              std::time_t now) const;
  Result<Tokens> TokenizeRendered(const Prompt& given, const RenderOptions& options) const;
  std::int32_t CountHead(const Tokens& tokens) const;
  std::int32_t CountSystemBlock(const Prompt& given, const Tokens& tokens, std::time_t now) const;
  std::int32_t CountOpening(const Prompt& given, const PreparedPrompt& prompt,
                            std::time_t now) const;
  Status CheckTokens(const Tokens& tokens) const;
  Result<std::shared_ptr<const grammar::Grammar>> CompileGrammar(const GrammarSpec& spec);

  // Constant after construction.
  const bool finds_openings_ = true;
  const std::shared_ptr<const Model> model_;  // null when the caller owns the model
  const Tokenizer tokenizer_;
  const ChatTemplate chat_;

  grammar::GrammarCache grammars_;  // thread-safe
};

}  // namespace sentiric::backend
