// SPDX-License-Identifier: AGPL-3.0-only
// The part of the engine that answers queries which are not requests: about text on the preparation
// threads, about logits and embeddings on the worker's.
#include <algorithm>
#include <future>
#include <utility>

#include "core/record/doing.h"
#include "core/seams/guarded.h"
#include "engine/local_engine.h"
#include "engine/prompt_size.h"

namespace sentiric {

template <typename T>
Result<T> LocalEngine::OnPreparationThread(std::size_t size,
                                           const std::function<Result<T>()>& task) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> result = promise->get_future();
  {
    const MutexLock lock(&mutex_);
    if (is_closed_) return Closed();
    const auto job = [promise, task, tag = record::ThisTag()] {
      const record::Doing doing(record::Place::kTokenizer, tag);
      promise->set_value(Guarded("prompt", task));
    };
    PoolFor(size)->Post(job, size);
  }
  return result.get();
}

template <typename T>
Result<T> LocalEngine::OnWorkerThread(const std::function<Result<T>()>& task) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> result = promise->get_future();
  const auto job = [promise, task, tag = record::ThisTag()] {
    const record::Doing doing(record::Place::kEvaluate, tag);
    promise->set_value(Guarded("prompt", task));
  };
  if (!worker_.MaybePost(job)) return Closed();
  return result.get();
}

Result<std::vector<Token>> LocalEngine::Tokenize(const std::string& text, bool add_special,
                                                 bool parse_special) {
  return OnPreparationThread<std::vector<Token>>(
      text.size(), [&] { return prompts_->Tokenize(text, add_special, parse_special); });
}

Result<std::string> LocalEngine::Detokenize(const std::vector<Token>& tokens, bool show_special) {
  return OnPreparationThread<std::string>(
      SizeOf(tokens), [&] { return prompts_->Detokenize(tokens, show_special); });
}

Result<std::vector<std::string>> LocalEngine::TokenPieces(const std::vector<Token>& tokens) {
  using Pieces = std::vector<std::string>;
  return OnPreparationThread<Pieces>(SizeOf(tokens), [&]() -> Result<Pieces> {
    Pieces pieces;
    pieces.reserve(tokens.size());
    for (const Token token : tokens) {
      auto once = prompts_->Detokenize({token}, /*show_special=*/true);
      if (!once) return once.error();
      auto twice = prompts_->Detokenize({token, token}, /*show_special=*/true);
      if (!twice) return twice.error();
      pieces.push_back(twice->substr(std::min(once->size(), twice->size())));
    }
    return pieces;
  });
}

Result<std::string> LocalEngine::RenderChat(const Prompt& prompt, bool add_generation_prompt) {
  return OnPreparationThread<std::string>(SizeOf(prompt), [&]() -> Result<std::string> {
    auto rendered = prompts_->Render(prompt, add_generation_prompt, /*finds_messages=*/false);
    if (!rendered) return rendered.error();
    return rendered->Text();
  });
}

Result<std::vector<Token>> LocalEngine::TokenizeChat(const Prompt& prompt,
                                                     bool add_generation_prompt) {
  return OnPreparationThread<std::vector<Token>>(
      SizeOf(prompt), [&] { return prompts_->TokenizeChat(prompt, add_generation_prompt); });
}

Result<ChatRendering> LocalEngine::DescribeChat(const Request& request) {
  if (Status bad = Validate(request, info_.num_vocab)) return *bad;
  auto found =
      OnPreparationThread<ChatRendering>(SizeOf(request.prompt), [&]() -> Result<ChatRendering> {
        auto rendered = prompts_->Render(request.prompt, true, /*finds_messages=*/true);
        if (!rendered) return rendered.error();
        auto tokens = prompts_->TokenizeChat(request.prompt, true);
        if (!tokens) return tokens.error();
        ChatRendering shown;
        shown.text = rendered->Text();
        for (const std::size_t begin : rendered->message_begins) {
          const bool is_there = begin != std::string::npos;
          shown.message_begins.push_back(is_there ? static_cast<std::int64_t>(begin) : -1);
        }
        shown.tokens = *std::move(tokens);
        return shown;
      });
  if (!found) return found;
  const RequestState asked(0, request);
  const auto cached = OnWorkerThread<std::int32_t>(
      [&]() -> Result<std::int32_t> { return worker_.NumCached(asked.scope, found->tokens); });
  if (!cached) return cached.error();
  found->cached_tokens = *cached;
  return found;
}

Result<std::vector<float>> LocalEngine::Logits(const std::vector<Token>& tokens) {
  if (Status status = CheckGenerates()) return *status;
  return OnWorkerThread<std::vector<float>>([&] { return evaluator_->Logits(tokens); });
}

Result<std::vector<float>> LocalEngine::Embed(const std::vector<Token>& tokens) {
  return OnWorkerThread<std::vector<float>>([&] {
    auto row = evaluator_->Embed(tokens);
    if (row) ++num_embedded_;
    return row;
  });
}

}  // namespace sentiric
