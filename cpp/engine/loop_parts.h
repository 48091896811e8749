// SPDX-License-Identifier: AGPL-3.0-only
// The parts of the engine loop and its configuration.
#pragma once

#include <functional>
#include <memory>

#include "core/cache/prefix_cache.h"
#include "core/scheduling/request_queue.h"
#include "core/scheduling/request_state.h"
#include "core/scheduling/scheduler.h"
#include "core/seams/adapters.h"
#include "core/seams/decoder.h"
#include "core/seams/disk_tier.h"
#include "core/seams/drafter.h"
#include "core/seams/token_sampler.h"

namespace sentiric {

struct LoopConfig {
  SchedulerConfig scheduler;
  PrefixCacheConfig prefix;
  QueueConfig queue;
  std::int64_t queue_tokens = 0;        // most prompt tokens in the queue; 0 = no limit
  std::int32_t itl_slo_ms = 0;          // 0 = off
  std::int32_t stream_interval_ms = 0;  // see EngineConfig
  std::int32_t reader_wait_ms = 0;      // see EngineConfig; 0 = no limit
  std::int32_t busy_chunk = 0;          // prompt tokens beside running streams; 0 = by itl_slo_ms
};

// How the loop gets adapters without reading files.
struct AdapterSource {
  AdapterStore* store = nullptr;
  // Starts loading the request's adapters on another thread; EngineLoop::Input::loaded brings the
  // result. Never waits.
  std::function<void(const RequestHandle&)> load;
};

struct LoopParts {
  std::unique_ptr<Decoder> decoder;
  std::shared_ptr<SamplerFactory> samplers;
  AdapterSource adapters;
  std::unique_ptr<Drafter> drafter;  // null = drafts from earlier text
  std::unique_ptr<DiskTier> disk;    // null = none
};

}  // namespace sentiric
