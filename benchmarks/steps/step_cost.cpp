// SPDX-License-Identifier: AGPL-3.0-only
// step_cost SEQUENCES TOKENS: what the loop itself costs, with a decoder that computes next to
// nothing. Prints steps and nanoseconds from the first submit to the last event.
#include <cstdio>
#include <cstdlib>

#include "engine/fakes.h"

using namespace sentiric;
using namespace sentiric::testing;

int main(int argc, char** argv) {
  const int sequences = argc == 3 ? std::atoi(argv[1]) : 0;
  const int tokens = argc == 3 ? std::atoi(argv[2]) : 0;
  if (sequences < 1 || tokens < 1) {
    std::fprintf(stderr, "usage: step_cost SEQUENCES TOKENS\n");
    return 2;
  }
  FakeModel model;
  model.contexts = sequences;
  model.context_size = tokens + 16;
  model.gate = ClosedGate();
  LoopOptions options;
  options.queue_limit = sequences;
  auto engine = MakeEngine(model, options);
  for (int i = 0; i < sequences; ++i) {
    const auto prompt = RandomPrompt(8, static_cast<std::uint32_t>(i + 1));
    if (!engine->Submit(TokenRequest(prompt, tokens)).ok()) return 1;
  }
  const auto begin = Clock::now();
  model.gate->store(true);
  const auto outcomes = Collect(engine.get(), static_cast<std::size_t>(sequences));
  const std::chrono::nanoseconds spent = Clock::now() - begin;
  for (const auto& [id, outcome] : outcomes) {
    if (outcome.tokens.size() != static_cast<std::size_t>(tokens)) return 1;
  }
  std::printf("%llu %lld\n", static_cast<unsigned long long>(engine->stats().steps),
              static_cast<long long>(spent.count()));
  return outcomes.size() == static_cast<std::size_t>(sequences) ? 0 : 1;
}
