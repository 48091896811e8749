// SPDX-License-Identifier: AGPL-3.0-only
// Engine::Open: puts the llama.cpp parts behind the engine's seams.
#include "backend/chain_sampler.h"
#include "backend/deep_stack.h"
#include "backend/llama_decoder.h"
#include "backend/llama_evaluator.h"
#include "backend/model.h"
#include "backend/prompt_builder.h"
#include "backend/sampling_vocab.h"
#include "engine/local_engine.h"

namespace sentiric {
namespace {

constexpr std::int32_t kCpuPrefillChunk = 128;
constexpr std::int32_t kGpuPrefillChunk = 512;
constexpr int kNumPreparationThreads = 2;

class RangeOf {
 public:
  Status status;
  void Check(const char* name, std::int32_t value, std::int32_t low, std::int32_t high) {
    if (status || (value >= low && value <= high)) return;
    status = OutOfRange(name, std::to_string(value), std::to_string(low) + ".." + std::to_string(high));
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
  auto model = backend::Model::Load(config, progress);
  if (!model) return model.error();
  auto decoder = backend::LlamaDecoder::Create(*model, config);
  if (!decoder) return decoder.error();

  EngineParts parts;
  parts.info = (*model)->Describe();
  (*decoder)->Describe(&parts.info);
  auto prompts = std::make_shared<backend::ModelPromptBuilder>(*model, config.chat_template);
  prompts->Describe(&parts.info);
  parts.add_stats = [prompts](EngineStats* stats) { prompts->AddStats(stats); };
  parts.samplers = std::make_shared<backend::ChainSamplerFactory>(
      backend::MakeSamplingVocab(*model, prompts->tokenizer()));
  parts.prompts = std::move(prompts);
  parts.evaluator = std::make_unique<backend::LlamaEvaluator>(*model, config);
  parts.preparation = std::make_unique<backend::DeepStackPool>(kNumPreparationThreads);
  const WorkerConfig worker = WorkerConfigOf(config, (*decoder)->traits());
  parts.decoder = std::move(decoder).value();
  const std::int32_t queue_limit = config.queue_limit > 0 ? config.queue_limit : 4 * config.contexts;
  return std::unique_ptr<Engine>(
      std::make_unique<LocalEngine>(std::move(parts), worker, queue_limit));
}

}  // namespace sentiric
