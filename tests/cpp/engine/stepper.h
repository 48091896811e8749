// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <map>
#include <optional>

#include "fakes.h"

namespace sentiric::testing {

// A loop that tests step by hand; requests are prepared at once.
class Stepper {
 public:
  explicit Stepper(const FakeModel& model, const LoopConfig& config = ConfigOf({}),
                   std::size_t max_adapters = 64, std::unique_ptr<DiskTier> disk = nullptr)
      : adapters(max_adapters),
        loop_({std::make_unique<FakeDecoder>(model),
               std::make_shared<GreedyFactory>(),
               {&adapters, [this](const RequestHandle& request) { Load(request); }},
               nullptr,
               std::move(disk)},
              config, &outbox_) {}

  RequestId Add(const Request& request) {
    auto state = std::make_shared<RequestState>(next_id_++, request, now());
    state->prompt.tokens = request.prompt.tokens;
    state->prompt.keep = 4;
    state->prompt.opening = static_cast<std::int32_t>(request.prompt.tokens.size());
    states_[state->id] = state;
    input_.added.push_back(state);
    return state->id;
  }
  // Sets the tokens that its reader allows in all.
  void Grant(RequestId id, std::int64_t tokens) { states_.at(id)->granted.store(tokens); }
  bool only_waits() const { return loop_.only_waits(); }
  void Cancel(RequestId id) { states_.at(id)->cancelled.store(true); }
  void Step() {
    loop_.Step(std::exchange(input_, {}), true, now());
    if (fake_time) *fake_time += step_time;
    ++num_steps_;
    if (!loop_.CheckIntegrity()) ++num_unsound_;
    std::vector<Event> events;
    outbox_.Wait(&events, std::chrono::milliseconds(0));
    for (const Event& event : events) {
      Outcome& outcome = outcomes[event.request];
      outcome.text += event.text;
      outcome.tokens.insert(outcome.tokens.end(), event.tokens.begin(), event.tokens.end());
      outcome.scores.insert(outcome.scores.end(), event.prompt_logprobs.begin(),
                            event.prompt_logprobs.end());
      if (outcome.text.size() == event.text.size() && !event.text.empty()) {
        first_step[event.request] = num_steps_;
      }
      if (event.final) outcome.final = event.final;
    }
  }
  // True when everything ended within `limit` steps.
  bool Finish(int limit = 100000) {
    for (int i = 0; i < limit; ++i) {
      Step();
      if (loop_.is_idle()) return true;
    }
    return false;
  }
  // Loads the requested adapters.
  void DeliverAdapters() {
    for (const RequestHandle& request : std::exchange(asked_, {})) {
      input_.loaded.emplace_back(request, adapters.Load(request->request.adapters));
    }
  }
  void Shutdown() { loop_.Shutdown(); }
  bool HasEnded(RequestId id) { return outcomes[id].final.has_value(); }
  const Final& FinalOf(RequestId id) { return *outcomes.at(id).final; }
  EngineStats stats() const { return loop_.stats(); }
  std::vector<Queued> line() const { return loop_.line(); }
  int num_steps() const { return num_steps_; }
  int num_unsound() const { return num_unsound_; }

  Clock::time_point now() const { return fake_time ? *fake_time : Clock::now(); }
  std::size_t num_running() const { return static_cast<std::size_t>(loop_.capacity().active); }

  // If set, the clock of the loop: each step takes `step_time`.
  std::optional<Clock::time_point> fake_time;
  std::chrono::milliseconds step_time{10};
  FakeAdapters adapters;
  bool loads = true;  // requested adapters arrive with the next step
  std::map<RequestId, Outcome> outcomes;
  std::map<RequestId, int> first_step;  // of the first text

 private:
  void Load(const RequestHandle& request) {
    asked_.push_back(request);
    if (loads) DeliverAdapters();
  }

  Outbox outbox_;
  EngineLoop loop_;
  EngineLoop::Input input_;
  std::map<RequestId, RequestHandle> states_;
  std::vector<RequestHandle> asked_;  // their adapters
  RequestId next_id_ = 1;
  int num_steps_ = 0, num_unsound_ = 0;
};

}  // namespace sentiric::testing
