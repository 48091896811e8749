// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/prompt_builder.h"

#include <algorithm>
#include <utility>

#include "backend/model/model.h"
#include "backend/prompt/conversation.h"
#include "backend/prompt/marked_render.h"
#include "backend/prompt/message_places.h"
#include "core/record/doing.h"
#include "llama.h"

namespace sentiric::backend {
namespace {

// With the words by which clients of llama.cpp and of OpenAI recognise it. `max_prompt` leaves room
// for one token of the answer.
Error TooLong(const char* where, std::size_t num_tokens, std::int32_t max_prompt) {
  const std::string context = std::to_string(max_prompt + 1);
  return {ErrorCode::kContextLengthExceeded, where,
          "request (" + std::to_string(num_tokens) +
              " tokens) exceeds the available context size (" + context +
              " tokens); the maximum context length is " + context +
              " tokens, of which a prompt may take " + std::to_string(max_prompt)};
}

bool Fits(const std::vector<Token>& tokens, std::int32_t max_prompt) {
  return tokens.size() <= static_cast<std::size_t>(std::max(max_prompt, 0));
}

std::int32_t CommonPrefix(const std::vector<Token>& a, const std::vector<Token>& b) {
  const std::size_t length = std::min(a.size(), b.size());
  const auto end = a.begin() + static_cast<std::ptrdiff_t>(length);
  return static_cast<std::int32_t>(std::mismatch(a.begin(), end, b.begin()).first - a.begin());
}

// Removes tokens between the head and the newest ones. False when the head alone is too long.
bool ShiftToFit(std::int32_t max_prompt, PreparedPrompt* prompt) {
  if (prompt->keep >= max_prompt) return false;
  const auto excess = static_cast<std::ptrdiff_t>(prompt->tokens.size()) - max_prompt;
  const auto begin = prompt->tokens.begin() + prompt->keep;
  prompt->tokens.erase(begin, begin + excess);
  prompt->truncation.dropped_tokens = static_cast<std::int32_t>(excess);
  prompt->opening = std::min(prompt->opening, prompt->keep);
  return true;
}

}  // namespace

ModelPromptBuilder::ModelPromptBuilder(std::shared_ptr<const Model> model,
                                       const std::string& chat_template, bool finds_openings)
    : finds_openings_(finds_openings),
      model_(std::move(model)),
      tokenizer_(model_->vocab(), FindChatTemplate(model_->get(), chat_template).source),
      chat_(FindChatTemplate(model_->get(), chat_template)) {}

ModelPromptBuilder::ModelPromptBuilder(const llama_model* model, const std::string& chat_template)
    : tokenizer_(llama_model_get_vocab(model), FindChatTemplate(model, chat_template).source),
      chat_(FindChatTemplate(model, chat_template)) {}

Result<PreparedPrompt> ModelPromptBuilder::Prepare(const Request& request,
                                                   std::int32_t max_prompt) {
  const Prompt& prompt = request.prompt;
  const int given = (prompt.messages.empty() ? 0 : 1) + (prompt.text.empty() ? 0 : 1) +
                    (prompt.tokens.empty() ? 0 : 1);
  if (given != 1) {
    return Error{ErrorCode::kInvalidArgument, "prompt",
                 given == 0 ? "the prompt is empty" : "give only one of messages, text and tokens"};
  }
  Result<PreparedPrompt> prepared = PreparedPrompt{};
  if (!prompt.messages.empty()) {
    prepared = PrepareChat(request, max_prompt);
  } else if (!prompt.text.empty()) {
    auto tokens = tokenizer_.Tokenize(prompt.text, /*add_special=*/true, prompt.parse_special);
    if (!tokens.ok()) return tokens.error();
    prepared = PrepareTokens(std::move(*tokens), request.truncation, max_prompt);
  } else {
    if (Status bad = CheckTokens(prompt.tokens)) return *bad;
    prepared = PrepareTokens(prompt.tokens, request.truncation, max_prompt);
  }
  if (!prepared.ok()) return prepared;
  auto compiled = CompileGrammar(request.grammar);
  if (!compiled.ok()) return compiled.error();
  prepared->grammar = std::move(*compiled);
  return prepared;
}

Result<PreparedPrompt> ModelPromptBuilder::PrepareChat(const Request& request,
                                                       std::int32_t max_prompt) const {
  const Prompt& given = request.prompt;
  // One clock reading for all renderings: the date in a prompt must not change between them.
  const std::time_t now = std::time(nullptr);
  RenderOptions options;
  options.now = now;
  options.is_growing = request.max_tokens == 0 && request.prompt_logprobs < 0;
  auto tokens = TokenizeRendered(given, options);
  if (!tokens.ok()) return tokens.error();
  if (tokens->empty())
    return Error{ErrorCode::kInvalidArgument, "messages", "the rendered prompt is empty"};
  if (!Fits(*tokens, max_prompt) && request.truncation == Truncation::kDropTurns) {
    return FitByDropping(given, tokens->size(), max_prompt, options);
  }
  PreparedPrompt prepared;
  prepared.keep = CountSystemBlock(given, *tokens, now);
  prepared.tokens = std::move(*tokens);
  prepared.opening = CountOpening(given, prepared, now);
  if (Fits(prepared.tokens, max_prompt)) return prepared;
  const std::size_t num_tokens = prepared.tokens.size();
  if (request.truncation == Truncation::kShift && ShiftToFit(max_prompt, &prepared))
    return prepared;
  return TooLong("messages", num_tokens, max_prompt);
}

// Fewer turns mean fewer tokens, so bisection finds the smallest number to drop.
Result<PreparedPrompt> ModelPromptBuilder::FitByDropping(const Prompt& given,
                                                         std::size_t num_tokens,
                                                         std::int32_t max_prompt,
                                                         const RenderOptions& options) const {
  std::size_t low = 1;
  std::size_t high = CountTurns(given.messages);  // too many: the last turn stays
  PreparedPrompt best;
  Prompt best_kept;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    Prompt kept = given;
    kept.messages = DropTurns(given.messages, middle);
    auto tokens = TokenizeRendered(kept, options);
    if (!tokens.ok()) return tokens.error();
    if (!Fits(*tokens, max_prompt)) {
      low = middle + 1;
      continue;
    }
    high = middle;
    best.tokens = std::move(*tokens);
    best.truncation.dropped_turns = static_cast<std::int32_t>(middle);
    best_kept = std::move(kept);
  }
  if (best_kept.messages.empty()) return TooLong("messages", num_tokens, max_prompt);
  best.truncation.dropped_tokens =
      static_cast<std::int32_t>(num_tokens) - static_cast<std::int32_t>(best.tokens.size());
  best.keep = CountSystemBlock(best_kept, best.tokens, options.now);
  best.opening = CountOpening(best_kept, best, options.now);
  return best;
}

Result<PreparedPrompt> ModelPromptBuilder::PrepareTokens(Tokens tokens, Truncation truncation,
                                                         std::int32_t max_prompt) const {
  PreparedPrompt prepared;
  prepared.keep = CountHead(tokens);
  prepared.tokens = std::move(tokens);
  if (Fits(prepared.tokens, max_prompt)) return prepared;
  const std::size_t num_tokens = prepared.tokens.size();
  if (truncation == Truncation::kShift && ShiftToFit(max_prompt, &prepared)) return prepared;
  return TooLong("prompt", num_tokens, max_prompt);
}

Result<std::vector<Token>> ModelPromptBuilder::TokenizeChat(const Prompt& prompt,
                                                            bool add_generation_prompt,
                                                            std::time_t now) const {
  RenderOptions options;
  options.add_generation_prompt = add_generation_prompt;
  options.now = now;
  return TokenizeRendered(prompt, options);
}

Result<std::vector<Token>> ModelPromptBuilder::TokenizeRendered(
    const Prompt& prompt, const RenderOptions& options) const {
  const auto rendered = RenderMarked(chat_, tokenizer_, prompt, options);
  if (!rendered.ok()) return rendered.error();
  auto tokens = tokenizer_.TokenizeSpans(*rendered, /*add_special=*/true);
  // What goes on has no end.
  if (tokens.ok() && options.is_growing) tokens->resize(tokens->size() - tokenizer_.tail().size());
  return tokens;
}

// 1 when the prompt begins with BOS, from the tokenizer, the template or the client.
std::int32_t ModelPromptBuilder::CountHead(const Tokens& tokens) const {
  const Tokens& head = tokenizer_.head();
  const std::int32_t common = CommonPrefix(head, tokens);
  if (common > 0) return common;
  const Token bos = llama_vocab_bos(tokenizer_.vocab());
  return !tokens.empty() && bos >= 0 && tokens.front() == bos ? 1 : 0;
}

std::int32_t ModelPromptBuilder::CountSystemBlock(const Prompt& given, const Tokens& tokens,
                                                  std::time_t now) const {
  const std::int32_t head = CountHead(tokens);
  Prompt system = given;
  system.continues = false;
  system.messages = SystemMessages(given.messages);
  if (system.messages.empty() && given.tools.empty()) return head;
  auto block = TokenizeChat(system, /*add_generation_prompt=*/false, now);
  if (!block.ok()) {
    // Templates need a user message; the text from here on differs.
    system.messages.push_back({"user", "\n"});
    block = TokenizeChat(system, /*add_generation_prompt=*/false, now);
  }
  return block.ok() ? std::max(head, CommonPrefix(*block, tokens)) : head;
}

// Renders the conversation up to its first user message.
std::int32_t ModelPromptBuilder::CountOpening(const Prompt& given, const PreparedPrompt& prompt,
                                              std::time_t now) const {
  const std::vector<Message>& messages = given.messages;
  const auto first = std::find_if(messages.begin(), messages.end(),
                                  [](const Message& message) { return message.role == "user"; });
  if (!finds_openings_ || first == messages.end()) return prompt.keep;
  Prompt beginning = given;
  beginning.continues = false;
  beginning.messages.assign(messages.begin(), first + 1);
  const auto opening = TokenizeChat(beginning, false, now);
  return opening.ok() ? std::max(prompt.keep, CommonPrefix(*opening, prompt.tokens)) : prompt.keep;
}

Status ModelPromptBuilder::CheckTokens(const Tokens& tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokenizer_.IsValid(tokens[i])) continue;
    return OutOfRange("tokens[" + std::to_string(i) + "]", std::to_string(tokens[i]),
                      "0.." + std::to_string(tokenizer_.num_vocab() - 1));
  }
  return std::nullopt;
}

Result<std::shared_ptr<const grammar::Grammar>> ModelPromptBuilder::CompileGrammar(
    const GrammarSpec& spec) {
  if (spec.kind == GrammarSpec::Kind::kNone) return std::shared_ptr<const grammar::Grammar>();
  const record::Doing doing(record::Place::kGrammar);
  return grammars_.Compile(spec);
}

Result<RenderedPrompt> ModelPromptBuilder::Render(const Prompt& prompt, bool add_generation_prompt,
                                                  bool finds_messages) {
  RenderOptions options;
  options.add_generation_prompt = add_generation_prompt;
  options.now = std::time(nullptr);
  auto rendered = RenderMarked(chat_, tokenizer_, prompt, options);
  if (!rendered.ok() || !finds_messages) return rendered;
  rendered->message_begins =
      FindMessages(chat_, prompt, rendered->Text(), add_generation_prompt, options.now);
  return rendered;
}

Result<std::vector<Token>> ModelPromptBuilder::TokenizeChat(const Prompt& prompt,
                                                            bool add_generation_prompt) {
  return TokenizeChat(prompt, add_generation_prompt, std::time(nullptr));
}

Result<std::vector<Token>> ModelPromptBuilder::Tokenize(std::string_view text, bool add_special,
                                                        bool parse_special) {
  return tokenizer_.Tokenize(text, add_special, parse_special);
}

Result<std::string> ModelPromptBuilder::Detokenize(const std::vector<Token>& tokens,
                                                   bool show_special) {
  return tokenizer_.Detokenize(tokens, show_special);
}

void ModelPromptBuilder::Describe(ModelInfo* info) const {
  info->chat_template_source = chat_.spec().origin;
  info->chat_template = chat_.spec().source;
  info->template_tools = chat_.shape().takes_tools && !chat_.shape().calls_as_text;
  info->template_reasoning = chat_.shape().prints_reasoning;
}

void ModelPromptBuilder::AddStats(EngineStats* stats) const {
  const grammar::GrammarCacheStats cache = grammars_.stats();
  stats->grammar_cache_hits += cache.hits;
  stats->grammar_cache_misses += cache.misses;
}

}  // namespace sentiric::backend
