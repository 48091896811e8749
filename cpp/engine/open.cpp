// SPDX-License-Identifier: AGPL-3.0-only
// Engine::Open: checks the configuration and starts the engine over llama.cpp.
#include <algorithm>

#include "backend/open_parts.h"
#include "engine/local_engine.h"

namespace sentiric {
namespace {

constexpr std::int32_t kCpuPrefillChunk = 128;
constexpr std::int32_t kGpuPrefillChunk = 512;

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
  range.Check("ubatch_size", config.ubatch_size, 32, 1 << 16);
  range.Check("prefill_chunk", config.prefill_chunk, 0, config.batch_size);
  range.Check("threads", config.threads, 0, 1024);
  range.Check("threads_batch", config.threads_batch, 0, 1024);
  range.Check("queue_limit", config.queue_limit, 0, 1 << 20);
  range.Check("batch_size", config.batch_size, config.contexts, 1 << 16);
  return range.status;
}

WorkerConfig WorkerConfigOf(const EngineConfig& config, const DecoderTraits& traits) {
  WorkerConfig worker;
  worker.scheduler.max_batch = config.batch_size;
  worker.scheduler.busy_chunk = config.prefill_chunk > 1 ? config.prefill_chunk
                                : traits.mixes_rows      ? kGpuPrefillChunk
                                                         : kCpuPrefillChunk;
  worker.scheduler.idle_chunk = std::min(config.ubatch_size, config.batch_size);
  worker.scheduler.mixes_rows = traits.mixes_rows;
  worker.queue_wait_ms = config.queue_wait_ms;
  return worker;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(const EngineConfig& config,
                                             std::function<bool(float)> progress) {
  if (Status status = Validate(config)) return *status;
  auto parts = backend::OpenParts(config, progress);
  if (!parts) return parts.error();
  const WorkerConfig worker = WorkerConfigOf(config, parts->decoder->traits());
  const std::int32_t queue_limit =
      config.queue_limit > 0 ? config.queue_limit : 4 * config.contexts;
  return std::unique_ptr<Engine>(
      std::make_unique<LocalEngine>(std::move(parts).value(), worker, queue_limit));
}

}  // namespace sentiric
