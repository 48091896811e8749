// SPDX-License-Identifier: AGPL-3.0-only
// Everything behind the engine's seams, as one value.
#pragma once

#include <functional>
#include <memory>

#include "core/seams/adapters.h"
#include "core/seams/decoder.h"
#include "core/seams/disk_tier.h"
#include "core/seams/drafter.h"
#include "core/seams/task_pool.h"
#include "core/seams/token_sampler.h"
#include "sentiric/engine.h"
#include "sentiric/prompt.h"

namespace sentiric {

// The parts of an engine; tests use fakes.
struct EngineParts {
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<Drafter> drafter;      // null = drafts from earlier text
  std::unique_ptr<DiskTier> disk;        // null = none; see EngineConfig::disk_cache_dir
  std::unique_ptr<Evaluator> evaluator;  // used on the worker's thread only
  std::shared_ptr<SamplerFactory> samplers;
  std::unique_ptr<AdapterStore> adapters;  // null = none exist
  std::shared_ptr<PromptBuilder> prompts;
  std::unique_ptr<TaskPool> preparation;  // its threads have deep stacks
  // For long prompts, so that short ones do not wait behind them; null = `preparation` takes all.
  std::unique_ptr<TaskPool> long_preparation;
  ModelInfo info;
  // Counters kept outside the worker (grammar cache), added to stats(); may be empty.
  std::function<void(EngineStats*)> add_stats;
};

}  // namespace sentiric
