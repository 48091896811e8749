// SPDX-License-Identifier: AGPL-3.0-only
#include "process/engine_server.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "core/record/doing.h"
#include "core/seams/guarded.h"
#include "process/queries.h"

namespace sentiric::process {
namespace {

// How old the statistics may be while the engine works and while it does not.
constexpr std::chrono::milliseconds kBusy{50}, kIdle{1000};

Error Malformed(const std::exception& error) {
  if (dynamic_cast<const BadField*>(&error) != nullptr) {
    return {ErrorCode::kInvalidArgument, error.what(),
            "has the wrong type, or a number that is too large"};
  }
  // Without the library's text, which quotes what it read.
  return {ErrorCode::kInternal, "engine", "a malformed message"};
}

Error NotOpen() { return {ErrorCode::kUnavailable, "engine", "no model is open"}; }

}  // namespace

EngineServer::EngineServer(OpenEngine open, record::FlightPage* page, FrameWriter* out,
                           std::unique_ptr<TaskPool> calls)
    : open_(std::move(open)), page_(page), out_(out), calls_(std::move(calls)) {}

EngineServer::~EngineServer() {
  if (opener_.joinable()) opener_.join();
  if (owned_) owned_->Close();
  if (pump_.joinable()) pump_.join();
  calls_.reset();
}

bool EngineServer::Handle(std::string_view bytes) {
  Json command;
  try {
    command = Json::parse(bytes);
    return Handle(command);
  } catch (const std::exception& error) {
    if (command.is_object() && command.contains("stream")) {
      SendFailure(command["stream"].get<std::uint64_t>(), Malformed(error));
    }
    return true;
  }
}

bool EngineServer::Handle(const Json& command) {
  const auto kind = command.at("kind").get<std::string>();
  if (kind == "close") return false;
  if (kind == "submit") {
    Submit(command);
  } else if (kind == "grant" || kind == "cancel") {
    RequestId request = 0;
    {
      const MutexLock lock(&mutex_);
      const auto found = request_of_.find(command.at("stream").get<std::uint64_t>());
      if (found == request_of_.end()) return true;
      request = found->second;
    }
    if (kind == "cancel") {
      engine_.load()->Cancel(request);
    } else {
      engine_.load()->Grant(request, command.at("tokens").get<std::int32_t>());
    }
  } else if (kind == "ping") {
    Send(FrameKind::kOther, {{"kind", "answer"}, {"call", command.at("call")}});
  } else if (kind == "leave") {
    const MutexLock lock(&mutex_);
    const auto found = is_left_.find(command.at("call").get<std::uint64_t>());
    if (found != is_left_.end()) found->second = true;
  } else if (kind == "open") {
    Open(command.at("call").get<std::uint64_t>(), ConfigOf(command.at("config")));
  } else {
    Ask(command);
  }
  return true;
}

void EngineServer::Ask(const Json& command) {
  {
    const MutexLock lock(&mutex_);
    is_left_[command.at("call").get<std::uint64_t>()] = false;
  }
  calls_->Post([this, command] { Answer(command); }, 0);
}

void EngineServer::Submit(const Json& command) {
  const auto stream = command.at("stream").get<std::uint64_t>();
  Engine* const engine = engine_.load();
  if (engine == nullptr) return SendFailure(stream, NotOpen());
  Request request = RequestOf(command.at("request"));
  request.tag = stream;
  const auto window = command.at("window").get<std::int32_t>();
  // Held until the stream is known: the pump must not see the first event before.
  const MutexLock lock(&mutex_);
  const Result<RequestId> id = engine->Submit(std::move(request), window);
  if (!id) return SendFailure(stream, id.error());
  stream_of_[*id] = stream;
  request_of_[stream] = *id;
  PublishStats();
}

// On a thread of its own: meanwhile the end of the socket must be noticed.
void EngineServer::Open(std::uint64_t call, const EngineConfig& config) {
  if (opener_.joinable()) opener_.join();
  opener_ = std::thread([this, call, config] {
    const record::Doing doing(record::Place::kLoad, call);
    Json answer = OpenNow(config);
    answer["kind"] = "answer";
    answer["call"] = call;
    Send(FrameKind::kOther, answer);
  });
}

Json EngineServer::OpenNow(const EngineConfig& config) {
  if (owned_) return {{"failure", ToJson(Error{ErrorCode::kInternal, "engine", "opened twice"})}};
  auto last = Clock::now();
  const auto report = [this, last](float part) mutable {
    record::Beat();
    if (Clock::now() - last < std::chrono::milliseconds(100)) return true;
    last = Clock::now();
    Send(FrameKind::kOther, {{"kind", "loading"}, {"part", part}});
    return true;
  };
  auto opened = Guarded("model", [&] { return open_(config, report); });
  if (!opened) return {{"failure", ToJson(opened.error())}};
  owned_ = std::move(opened).value();
  engine_.store(owned_.get());
  PublishStats();
  pump_ = std::thread([this] { Pump(); });
  return {{"info", ToJson(owned_->info())}};
}

void EngineServer::Answer(const Json& command) {
  const auto call = command.at("call").get<std::uint64_t>();
  const record::Doing doing(record::Place::kIdle, call);
  Json answer;
  try {
    answer = AnswerQuery(command, engine_.load(), [this, call] {
      PublishStats();  // between two inputs: they show while they are computed
      const MutexLock lock(&mutex_);
      return is_left_[call];
    });
  } catch (const std::exception& error) {
    answer = {{"failure", ToJson(Malformed(error))}};
  }
  {
    const MutexLock lock(&mutex_);
    is_left_.erase(call);
  }
  if (command.at("kind") == "embed" && engine_.load() != nullptr) PublishStats();
  answer["kind"] = "answer";
  answer["call"] = call;
  Send(FrameKind::kOther, answer);
}

void EngineServer::Pump() {
  std::vector<Event> events;
  bool is_open = true;
  while (is_open) {
    events.clear();
    const bool is_busy = owned_->capacity().active > 0;
    is_open = owned_->WaitEvents(&events, is_busy ? kBusy : kIdle);
    PublishStats();
    if (!events.empty()) SendStep(events);
  }
}

void EngineServer::SendStep(const std::vector<Event>& events) {
  Json deltas = Json::array(), failures = Json::array();
  {
    const MutexLock lock(&mutex_);
    for (const Event& event : events) {
      const auto found = stream_of_.find(event.request);
      if (found == stream_of_.end()) continue;
      const std::uint64_t stream = found->second;
      const Error* error = FailureOf(event);
      if (error == nullptr || !event.text.empty()) deltas.push_back({stream, DeltaOf(event)});
      if (error != nullptr) failures.push_back({stream, ToJson(*error)});
      if (!event.final) continue;
      request_of_.erase(stream);
      stream_of_.erase(found);
    }
  }
  Send(FrameKind::kStep,
       {{"kind", "step"}, {"deltas", std::move(deltas)}, {"failures", std::move(failures)}});
}

void EngineServer::SendFailure(std::uint64_t stream, const Error& error) {
  Send(FrameKind::kStep, {{"kind", "step"},
                          {"deltas", Json::array()},
                          {"failures", Json::array({Json::array({stream, ToJson(error)})})}});
}

// A write that fails means that nobody is left to serve; the reader then sees the end, too.
void EngineServer::Send(FrameKind kind, const Json& message) {
  (void)out_->Write(kind, Dump(message));
}

void EngineServer::PublishStats() {
  const MutexLock lock(&stats_mutex_);
  Engine* const engine = engine_.load();
  record::WriteStats(engine->stats(), engine->capacity(), page_);
  record::WriteLine(engine->Line(), page_);
}

}  // namespace sentiric::process
