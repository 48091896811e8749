// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/local_engine.h"

#include <algorithm>
#include <future>
#include <limits>
#include <utility>

namespace sentiric {
namespace {

const Error kClosed{ErrorCode::kUnavailable, "engine", "the engine is closed"};

// Preparation must never take the process down with it: what throws there is a request's error.
template <typename T>
Result<T> Guarded(const std::function<Result<T>()>& task) {
  try {
    return task();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "prompt", "not enough memory to prepare the request"};
  } catch (const std::exception& e) {
    return Error{ErrorCode::kInternal, "prompt", e.what()};
  }
}

// What a prompt weighs before it is prepared, in bytes; a message costs some by itself.
std::size_t SizeOf(const std::vector<Message>& messages) {
  constexpr std::size_t kMessageBytes = 256;
  std::size_t size = messages.size() * kMessageBytes;
  for (const Message& message : messages) size += message.content.size();
  return size;
}

std::size_t SizeOf(const std::vector<Token>& tokens) { return tokens.size() * sizeof(Token); }

std::size_t SizeOf(const Prompt& prompt) {
  return SizeOf(prompt.messages) + prompt.text.size() + SizeOf(prompt.tokens);
}

constexpr std::size_t kLongBytes = 64 * 1024;

}  // namespace

LocalEngine::LocalEngine(EngineParts parts, const LoopConfig& loop, std::int32_t queue_limit)
    : info_(std::move(parts.info)),
      max_live_(parts.decoder->traits().contexts + queue_limit),
      queue_wait_ms_(loop.queue.wait_ms),
      adapters_(parts.adapters ? std::move(parts.adapters) : std::make_unique<NoAdapters>()),
      prompts_(std::move(parts.prompts)),
      evaluator_(std::move(parts.evaluator)),
      add_stats_(std::move(parts.add_stats)),
      line_(parts.decoder->traits().contexts, loop.queue.tenant_weights),
      preparation_(std::move(parts.preparation)),
      long_preparation_(std::move(parts.long_preparation)),
      outbox_(std::chrono::milliseconds(loop.stream_interval_ms)),
      worker_({std::move(parts.decoder),
               std::move(parts.samplers),
               {adapters_.get(), [this](const RequestHandle& request) { LoadAdapters(request); }},
               std::move(parts.drafter),
               std::move(parts.disk)},
              loop, &outbox_) {}

Result<RequestId> LocalEngine::Submit(Request request, std::int32_t window) {
  if (Status status = Validate(request, info_.num_vocab)) return *status;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_closed_) return kClosed;
  if (Status refused = Refusal(request)) {
    ++num_rejected_;
    return *refused;
  }
  ++num_submitted_;
  auto handle = std::make_shared<RequestState>(next_id_++, std::move(request));
  if (window > 0) handle->granted.store(window);
  live_.emplace(handle->id, handle);
  line_.Enter(handle->request.priority, handle->request.tenant);
  ++num_preparing_;
  const std::size_t size = SizeOf(handle->request.prompt);
  PoolFor(size)->Post([this, handle] { Prepare(handle); }, size);
  return handle->id;
}

Status LocalEngine::CheckRoom() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_closed_) return kClosed;
  Status full = FullHouse();
  if (full) ++num_rejected_;
  return full;
}

TaskPool* LocalEngine::PoolFor(std::size_t size) const {
  return size > kLongBytes && long_preparation_ ? long_preparation_.get() : preparation_.get();
}

// Told at once, with the time after which trying again makes sense.
Status LocalEngine::FullHouse() const {
  const auto num_live = static_cast<std::int32_t>(live_.size());
  if (num_live < max_live_) return std::nullopt;
  return Error{ErrorCode::kOverloaded, "queue",
               "the queue is full; got " + std::to_string(num_live) +
                   " requests running and waiting, allowed " + std::to_string(max_live_),
               worker_.pace().NextEndMs(worker_.capacity().total)};
}

// Also what would wait longer than it may. Where the pace is unknown nothing is refused early.
Status LocalEngine::Refusal(const Request& request) const {
  if (Status full = FullHouse()) return full;
  const std::int32_t wait_ms =
      line_.WaitMs(worker_.pace(), request.priority, request.tenant).value_or(0);
  const std::int32_t limit = request.queue_wait_ms > 0 ? request.queue_wait_ms : queue_wait_ms_;
  if (limit <= 0 || wait_ms <= limit) return std::nullopt;
  return Error{ErrorCode::kOverloaded, "queue",
               "a context would be free too late; got an expected wait of " +
                   std::to_string(wait_ms) + " ms, allowed " + std::to_string(limit),
               wait_ms};
}

void LocalEngine::Prepare(const RequestHandle& request) {
  // A cancelled request is not worth preparing; the worker reports it.
  Status failed;
  if (!request->cancelled.load()) failed = PrepareWhole(request.get());
  if (failed) {
    worker_.Reject(request, *failed);
  } else {
    worker_.Add(request);
  }
  --num_preparing_;
}

// Adapters that exist go on even when there is no room for them now: they are loaded when the
// request gets a context. Until then nothing keeps them in memory.
Status LocalEngine::PrepareWhole(RequestState* request) {
  if (!request->request.adapters.empty()) {
    const auto adapters =
        Guarded<AdapterSetHandle>([&] { return adapters_->Load(request->request.adapters); });
    if (!adapters && adapters.error().code != ErrorCode::kOverloaded) return adapters.error();
  }
  auto prepared = Guarded<PreparedPrompt>(
      [&] { return prompts_->Prepare(request->request, info_.context_size - 1); });
  if (!prepared) return prepared.error();
  request->prompt = std::move(prepared).value();
  return std::nullopt;
}

// Called on the worker's thread; loads on another one.
void LocalEngine::LoadAdapters(const RequestHandle& request) {
  const auto load = [this, request] {
    worker_.OnLoaded(request, Guarded<AdapterSetHandle>(
                                  [&] { return adapters_->Load(request->request.adapters); }));
  };
  const std::lock_guard<std::mutex> lock(mutex_);
  if (preparation_) {
    preparation_->Post(load, 0);
  } else {
    worker_.OnLoaded(request, kClosed);
  }
}

void LocalEngine::Cancel(RequestId id) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = live_.find(id);
    if (found == live_.end()) return;
    found->second->cancelled.store(true);
  }
  worker_.Wake();
}

// Credit without a bound needs no more.
void LocalEngine::Grant(RequestId id, std::int32_t tokens) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = live_.find(id);
    if (found == live_.end() || tokens <= 0) return;
    std::atomic<std::int64_t>& granted = found->second->granted;
    if (granted.load() < std::numeric_limits<std::int64_t>::max() / 2) granted.fetch_add(tokens);
  }
  worker_.Wake();
}

bool LocalEngine::WaitEvents(std::vector<Event>* events, std::chrono::milliseconds timeout) {
  const std::size_t first_new = events->size();
  const bool is_open = outbox_.Wait(events, timeout);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (std::size_t i = first_new; i < events->size(); ++i) {
    if (!(*events)[i].final) continue;
    const auto ended = live_.find((*events)[i].request);
    if (ended == live_.end()) continue;
    line_.Leave(ended->second->request.priority, ended->second->request.tenant);
    live_.erase(ended);
  }
  return is_open;
}

template <typename T>
Result<T> LocalEngine::OnPreparationThread(std::size_t size, std::function<Result<T>()> task) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> result = promise->get_future();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_closed_) return kClosed;
    PoolFor(size)->Post([promise, task] { promise->set_value(Guarded<T>(task)); }, size);
  }
  return result.get();
}

Result<std::vector<float>> LocalEngine::OnWorkerThread(
    std::function<Result<std::vector<float>>()> task) {
  auto promise = std::make_shared<std::promise<Result<std::vector<float>>>>();
  std::future<Result<std::vector<float>>> result = promise->get_future();
  if (!worker_.MaybePost(
          [promise, task] { promise->set_value(Guarded<std::vector<float>>(task)); })) {
    return kClosed;
  }
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

Result<std::string> LocalEngine::RenderChat(const std::vector<Message>& messages,
                                            bool add_generation_prompt) {
  return OnPreparationThread<std::string>(SizeOf(messages), [&]() -> Result<std::string> {
    auto rendered = prompts_->Render(messages, add_generation_prompt);
    if (!rendered) return rendered.error();
    return rendered->Text();
  });
}

Result<std::vector<Token>> LocalEngine::TokenizeChat(const std::vector<Message>& messages) {
  return OnPreparationThread<std::vector<Token>>(
      SizeOf(messages), [&]() -> Result<std::vector<Token>> {
        Request request;
        request.prompt.messages = messages;
        request.truncation = Truncation::kError;
        auto prepared = prompts_->Prepare(request, 1 << 30);
        if (!prepared) return prepared.error();
        return std::move(prepared).value().tokens;
      });
}

Result<std::vector<float>> LocalEngine::Logits(const std::vector<Token>& tokens) {
  return OnWorkerThread([&] { return evaluator_->Logits(tokens); });
}

Result<std::vector<float>> LocalEngine::Embed(const std::vector<Token>& tokens) {
  return OnWorkerThread([&] { return evaluator_->Embed(tokens); });
}

EngineStats LocalEngine::stats() const {
  EngineStats stats = worker_.stats();
  stats.event_batches = outbox_.num_batches();
  stats.preparing = num_preparing_.load();
  if (add_stats_) add_stats_(&stats);
  const std::lock_guard<std::mutex> lock(mutex_);
  stats.requests_submitted = num_submitted_;
  stats.requests_rejected = num_rejected_;
  return stats;
}

void LocalEngine::Close() {
  const std::lock_guard<std::mutex> close_lock(close_mutex_);
  std::unique_ptr<TaskPool> preparation, long_preparation;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_closed_ = true;
    for (auto& [id, request] : live_) request->cancelled.store(true);
    preparation = std::move(preparation_);
    long_preparation = std::move(long_preparation_);
  }
  preparation.reset();  // runs what was posted, so that every request reaches the worker
  long_preparation.reset();
  worker_.Stop();
  outbox_.Close();
}

}  // namespace sentiric
