// SPDX-License-Identifier: AGPL-3.0-only
#include "engine/local_engine.h"

#include <limits>
#include <utility>

#include "core/record/doing.h"
#include "core/seams/guarded.h"
#include "engine/prompt_size.h"

namespace sentiric {
namespace {

constexpr std::size_t kLongBytes = 64 * 1024;
// What a byte of a grammar takes in the time of a byte of a prompt, if it is a hard one to compile:
// short requests must not wait for those.
constexpr std::size_t kGrammarWeight = 16;

// They are held until the answer is read, so a long prompt may have fewer of each token.
Status TooManyLogprobs(const RequestState& request) {
  const std::int32_t got = request.request.prompt_logprobs;
  const auto size = static_cast<std::int64_t>(request.prompt.tokens.size());
  if (got < 0 || size * (got + 1) <= kMaxPromptLogprobs) return std::nullopt;
  const std::int64_t most = kMaxPromptLogprobs / size - 1;
  return OutOfRange("prompt_logprobs",
                    std::to_string(got) + " for a prompt of " + std::to_string(size) + " tokens",
                    most < 0 ? "none" : "0.." + std::to_string(most));
}

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

Error LocalEngine::Closed() { return {ErrorCode::kUnavailable, "engine", "the engine is closed"}; }

Status LocalEngine::CheckGenerates() const {
  if (info_.can_generate) return std::nullopt;
  return Error{ErrorCode::kNotSupported, "model",
               "it is an encoder, which computes embeddings and generates no text"};
}

Result<RequestId> LocalEngine::Submit(Request request, std::int32_t window) {
  if (Status status = CheckGenerates()) return *status;
  if (Status status = Validate(request, info_.num_vocab)) return *status;
  const MutexLock lock(&mutex_);
  if (is_closed_) return Closed();
  if (Status refused = request.resumed ? std::nullopt : Refusal(request)) {
    ++num_rejected_;
    return *refused;
  }
  ++num_submitted_;
  auto handle = std::make_shared<RequestState>(next_id_++, std::move(request));
  if (window > 0) handle->granted.store(window);
  live_.emplace(handle->id, handle);
  line_.Enter(handle->request.priority, handle->request.tenant);
  ++num_preparing_;
  const Request& asked = handle->request;
  const std::size_t size = SizeOf(asked.prompt) + kGrammarWeight * asked.grammar.text.size();
  PoolFor(size)->Post([this, handle] { Prepare(handle); }, size);
  return handle->id;
}

Status LocalEngine::CheckRoom() {
  const MutexLock lock(&mutex_);
  if (is_closed_) return Closed();
  Status full = OverloadError();
  if (full) ++num_rejected_;
  return full;
}

TaskPool* LocalEngine::PoolFor(std::size_t size) const {
  return size > kLongBytes && long_preparation_ ? long_preparation_.get() : preparation_.get();
}

Status LocalEngine::OverloadError() const {
  const auto num_live = static_cast<std::int32_t>(live_.size());
  if (num_live < max_live_) return std::nullopt;
  const std::int32_t contexts = worker_.capacity().total;
  return Error{ErrorCode::kOverloaded, "queue",
               "the queue is full; got " + std::to_string(num_live) +
                   " requests running and waiting, allowed " + std::to_string(max_live_),
               worker_.pace().RoomMs(live_.size() - static_cast<std::size_t>(contexts), contexts)};
}

// Refuses a request early only when the pace is known. Whoever comes back when half of the limit is
// left to wait is taken before the queue runs empty.
Status LocalEngine::Refusal(const Request& request) const {
  if (Status full = OverloadError()) return full;
  const std::int32_t wait_ms =
      line_.WaitMs(worker_.pace(), request.priority, request.tenant).value_or(0);
  const std::int32_t limit = request.queue_wait_ms > 0 ? request.queue_wait_ms : queue_wait_ms_;
  if (limit <= 0 || wait_ms <= limit) return std::nullopt;
  return Error{ErrorCode::kOverloaded, "queue",
               "the expected wait is too long; got " + std::to_string(wait_ms) + " ms, allowed " +
                   std::to_string(limit),
               wait_ms - limit / 2};
}

void LocalEngine::Prepare(const RequestHandle& request) {
  const record::Doing doing(record::Place::kTokenizer, request->request.tag);
  // A cancelled request need not be prepared; the worker reports it.
  Status failed;
  if (!request->cancelled.load()) failed = PrepareWhole(request.get());
  if (failed) {
    worker_.Reject(request, *failed);
  } else {
    worker_.Add(request);
  }
  --num_preparing_;
}

// A request whose adapters exist but have no room now goes on: they are loaded again when it is
// about to get a context. Until then nothing keeps them in memory.
Status LocalEngine::PrepareWhole(RequestState* request) {
  if (!request->request.adapters.empty()) {
    const record::Doing loading(record::Place::kAdapter);
    const auto adapters =
        Guarded("prompt", [&] { return adapters_->Load(request->request.adapters); });
    if (!adapters && adapters.error().code != ErrorCode::kOverloaded) return adapters.error();
  }
  auto prepared = Guarded(
      "prompt", [&] { return prompts_->Prepare(request->request, info_.context_size - 1); });
  if (!prepared) return prepared.error();
  request->prompt = std::move(prepared).value();
  return TooManyLogprobs(*request);
}

// Called on the worker's thread; the adapters are loaded on a preparation thread.
void LocalEngine::LoadAdapters(const RequestHandle& request) {
  const auto load = [this, request] {
    const record::Doing doing(record::Place::kAdapter, request->request.tag);
    worker_.OnLoaded(request,
                     Guarded("prompt", [&] { return adapters_->Load(request->request.adapters); }));
  };
  const MutexLock lock(&mutex_);
  if (preparation_) {
    preparation_->Post(load, 0);
  } else {
    worker_.OnLoaded(request, Closed());
  }
}

void LocalEngine::Cancel(RequestId id) {
  {
    const MutexLock lock(&mutex_);
    const auto found = live_.find(id);
    if (found == live_.end()) return;
    found->second->cancelled.store(true);
  }
  worker_.Wake();
}

// A request without a bound has the largest credit already: adding to it would overflow.
void LocalEngine::Grant(RequestId id, std::int32_t tokens) {
  {
    const MutexLock lock(&mutex_);
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
  const MutexLock lock(&mutex_);
  for (std::size_t i = first_new; i < events->size(); ++i) {
    if (!(*events)[i].final) continue;
    const auto ended = live_.find((*events)[i].request);
    if (ended == live_.end()) continue;
    line_.Leave(ended->second->request.priority, ended->second->request.tenant);
    live_.erase(ended);
  }
  return is_open;
}

EngineStats LocalEngine::stats() const {
  EngineStats stats = worker_.stats();
  stats.event_batches = outbox_.num_batches();
  stats.preparing = num_preparing_.load();
  stats.embedded_inputs = num_embedded_.load();
  if (add_stats_) add_stats_(&stats);
  const MutexLock lock(&mutex_);
  stats.requests_submitted = num_submitted_;
  stats.requests_rejected = num_rejected_;
  return stats;
}

void LocalEngine::Close() {
  const MutexLock close_lock(&close_mutex_);
  std::unique_ptr<TaskPool> preparation, long_preparation;
  {
    const MutexLock lock(&mutex_);
    is_closed_ = true;
    for (auto& [id, request] : live_) request->cancelled.store(true);
    preparation = std::move(preparation_);
    long_preparation = std::move(long_preparation_);
  }
  preparation.reset();  // runs all posted tasks, so that every request reaches the worker
  long_preparation.reset();
  worker_.Stop();
  outbox_.Close();
}

}  // namespace sentiric
