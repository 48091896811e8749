// SPDX-License-Identifier: AGPL-3.0-only
// Engine::Open and PlanMemory: both check the configuration first.
#include <algorithm>

#include "backend/decode/memory_plan.h"
#include "backend/decode/open_parts.h"
#include "engine/local_engine.h"
#include "host/memory_budget.h"

namespace sentiric {
namespace {

constexpr std::int32_t kCpuSloMs = 200;
constexpr std::int32_t kGpuSloMs = 50;
constexpr std::uint64_t kMostHostBytes = std::uint64_t{1} << 30;

class RangeOf {
 public:
  Status status;
  void Check(const char* name, std::int32_t value, std::int32_t low, std::int32_t high) {
    if (status || (value >= low && value <= high)) return;
    status =
        OutOfRange(name, std::to_string(value), std::to_string(low) + ".." + std::to_string(high));
  }
};

Status Validate(const EngineConfig& config) {
  RangeOf range;
  range.Check("contexts", config.contexts, 1, 256);
  range.Check("context_size", config.context_size, 0, 1 << 24);
  if (config.context_size != 0) range.Check("context_size", config.context_size, 16, 1 << 24);
  range.Check("batch_size", config.batch_size, 32, 1 << 16);
  range.Check("physical_batch_size", config.physical_batch_size, 32, 1 << 16);
  range.Check("prefill_chunk", config.prefill_chunk, 0, config.batch_size);
  range.Check("compute_threads", config.compute_threads, 0, 1024);
  range.Check("compute_threads_batch", config.compute_threads_batch, 0, 1024);
  range.Check("queue_limit", config.queue_limit, 0, 1 << 20);
  range.Check("itl_slo_ms", config.itl_slo_ms, -1, 600000);
  range.Check("reader_wait_ms", config.reader_wait_ms, 0, 86400000);
  range.Check("stream_interval_ms", config.stream_interval_ms, 0, 1000);
  range.Check("max_adapters", config.max_adapters, 1, 64);
  range.Check("kv_cells", config.kv_cells, 0, 1 << 28);
  range.Check("batch_size", config.batch_size, config.contexts, 1 << 16);
  range.Check("draft_gpu_layers", config.draft_gpu_layers, -1, 1 << 16);
  if (!range.status && !config.draft_model.empty() && config.speculation == "ngram") {
    return OutOfRange("speculation", "ngram with a draft_model", "auto off draft");
  }
  if (!range.status && config.draft_model.empty() && config.speculation == "draft") {
    return OutOfRange("speculation", "draft without a draft_model", "auto off ngram");
  }
  if (config.disk_cache_bytes < 0) {
    return OutOfRange("disk_cache_bytes", std::to_string(config.disk_cache_bytes), ">= 0");
  }
  return range.status;
}

std::uint64_t HostBytes(const EngineConfig& config) {
  if (config.host_cache_bytes >= 0) return static_cast<std::uint64_t>(config.host_cache_bytes);
  return std::min(kMostHostBytes, FreeMemoryBytes() / 16);
}

LoopConfig LoopConfigOf(const EngineConfig& config, const EngineParts& parts) {
  const DecoderTraits& traits = parts.decoder->traits();
  LoopConfig loop;
  loop.scheduler.max_batch = config.batch_size;
  loop.scheduler.idle_chunk = std::min(config.physical_batch_size, config.batch_size);
  loop.scheduler.mixes_rows = traits.mixes_rows;
  loop.scheduler.can_recut = traits.can_recut;
  loop.scheduler.max_outputs = traits.max_outputs;
  loop.prefix.is_enabled = config.prefix_cache;
  loop.prefix.is_exact = config.deterministic;
  loop.prefix.host_bytes = config.prefix_cache ? HostBytes(config) : 0;
  loop.queue.wait_ms = config.queue_wait_ms;
  loop.queue.tenant_weights = config.tenant_weights;
  loop.queue_tokens = config.queue_tokens;
  loop.stream_interval_ms = config.stream_interval_ms;
  loop.reader_wait_ms = config.reader_wait_ms;
  loop.busy_chunk = config.prefill_chunk > 1 ? config.prefill_chunk : 0;
  loop.itl_slo_ms = config.itl_slo_ms >= 0 ? config.itl_slo_ms
                    : traits.mixes_rows    ? kGpuSloMs
                                           : kCpuSloMs;
  return loop;
}

}  // namespace

Result<MemoryPlan> PlanMemory(const EngineConfig& config) {
  if (Status status = Validate(config)) return *status;
  return backend::PlanMemory(config);
}

Result<std::unique_ptr<Engine>> Engine::Open(const EngineConfig& config,
                                             std::function<bool(float)> progress) {
  if (Status status = Validate(config)) return *status;
  auto parts = backend::OpenParts(config, progress);
  if (!parts) return parts.error();
  const LoopConfig loop = LoopConfigOf(config, *parts);
  const std::int32_t queue_limit =
      config.queue_limit > 0 ? config.queue_limit : kQueuePerContext * config.contexts;
  return std::unique_ptr<Engine>(
      std::make_unique<LocalEngine>(std::move(parts).value(), loop, queue_limit));
}

}  // namespace sentiric
