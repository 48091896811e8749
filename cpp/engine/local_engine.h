// SPDX-License-Identifier: AGPL-3.0-only
// The engine in this process: preparation threads, the worker and the table of live requests.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

#include "core/scheduling/wait_estimate.h"
#include "core/seams/engine_parts.h"
#include "core/sync/mutex.h"
#include "engine/worker.h"
#include "sentiric/engine.h"

namespace sentiric {

class LocalEngine : public Engine {
 public:
  LocalEngine(EngineParts parts, const LoopConfig& loop, std::int32_t queue_limit);
  ~LocalEngine() override { LocalEngine::Close(); }

  Result<RequestId> Submit(Request request, std::int32_t window = 0) override;
  void Grant(RequestId id, std::int32_t tokens) override;
  Status CheckRoom() override;
  void Cancel(RequestId id) override;
  bool WaitEvents(std::vector<Event>* events, std::chrono::milliseconds timeout) override;
  Result<std::vector<Token>> Tokenize(const std::string& text, bool add_special,
                                      bool parse_special) override;
  Result<std::string> Detokenize(const std::vector<Token>& tokens, bool show_special) override;
  Result<std::vector<std::string>> TokenPieces(const std::vector<Token>& tokens) override;
  Result<std::string> RenderChat(const Prompt& prompt, bool add_generation_prompt) override;
  Result<std::vector<Token>> TokenizeChat(const Prompt& prompt,
                                          bool add_generation_prompt) override;
  Result<ChatRendering> DescribeChat(const Request& request) override;
  Result<std::vector<float>> Logits(const std::vector<Token>& tokens) override;
  Result<std::vector<float>> Embed(const std::vector<Token>& tokens) override;
  const ModelInfo& info() const override { return info_; }
  Capacity capacity() const override { return worker_.capacity(); }
  EngineStats stats() const override;
  std::vector<Queued> Line() const override { return worker_.line(); }
  void Close() override;

 private:
  static Error Closed();
  Status CheckGenerates() const;
  // Why no request can be taken now, with the time after which to try again; nullopt while there is
  // room.
  Status OverloadError() const REQUIRES(mutex_);
  // The same for this request, which is also refused when its expected wait is too long.
  Status Refusal(const Request& request) const REQUIRES(mutex_);
  void Prepare(const RequestHandle& request);
  Status PrepareWhole(RequestState* request);
  void LoadAdapters(const RequestHandle& request);
  TaskPool* PoolFor(std::size_t size) const REQUIRES(mutex_);
  template <typename T>
  Result<T> OnPreparationThread(std::size_t size, const std::function<Result<T>()>& task);
  template <typename T>
  Result<T> OnWorkerThread(const std::function<Result<T>()>& task);

  // Constant after construction.
  const ModelInfo info_;
  const std::int32_t max_live_;  // running and waiting requests
  const std::int32_t queue_wait_ms_;
  const std::unique_ptr<AdapterStore> adapters_;  // thread-safe
  const std::shared_ptr<PromptBuilder> prompts_;
  const std::unique_ptr<Evaluator> evaluator_;
  const std::function<void(EngineStats*)> add_stats_;

  mutable Mutex mutex_;
  // A request stays here until its final event is taken.
  std::unordered_map<RequestId, RequestHandle> live_ GUARDED_BY(mutex_);
  WaitEstimator line_ GUARDED_BY(mutex_);  // knows the same requests
  RequestId next_id_ GUARDED_BY(mutex_) = 1;
  bool is_closed_ GUARDED_BY(mutex_) = false;
  std::uint64_t num_submitted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t num_rejected_ GUARDED_BY(mutex_) = 0;
  std::unique_ptr<TaskPool> preparation_ GUARDED_BY(mutex_);
  std::unique_ptr<TaskPool> long_preparation_ GUARDED_BY(mutex_);

  Mutex close_mutex_;  // one Close at a time
  std::atomic<std::int32_t> num_preparing_{0};
  std::atomic<std::uint64_t> num_embedded_{0};
  Outbox outbox_;
  Worker worker_;  // last: its thread uses the members above
};

}  // namespace sentiric
