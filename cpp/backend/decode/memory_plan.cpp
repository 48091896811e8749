// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/memory_plan.h"

#include <algorithm>

#include "../src/llama-ext.h"  // llama_get_memory_breakdown
#include "backend/decode/decoder_shape.h"
#include "backend/decode/draft_model.h"
#include "backend/decode/llama_context_ptr.h"
#include "backend/model/abort_guard.h"
#include "ggml-cpu.h"

namespace sentiric::backend {
namespace {

bool IsAccelerator(ggml_backend_dev_t device) {
  if (device == nullptr) return false;
  const auto type = ggml_backend_dev_type(device);
  return type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
}

DeviceMemory Empty(const char* name, ggml_backend_dev_t device) {
  DeviceMemory memory;
  memory.name = name;
  std::size_t free = 0;
  std::size_t total = 0;
  if (device != nullptr) ggml_backend_dev_memory(device, &free, &total);
  memory.free = free;
  memory.total = total;
  return memory;
}

// The device whose memory holds a buffer type. Memory that a GPU pins and weights that the CPU
// repacks are the host's.
std::size_t IndexOf(ggml_backend_buffer_type_t type,
                    const std::vector<ggml_backend_dev_t>& accelerators) {
  const ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
  if (ggml_backend_buft_is_host(type) || !IsAccelerator(device)) return accelerators.size();
  const auto found = std::find(accelerators.begin(), accelerators.end(), device);
  return static_cast<std::size_t>(found - accelerators.begin());
}

std::vector<ggml_backend_dev_t> AcceleratorsOf(const llama_model* model) {
  std::vector<ggml_backend_dev_t> accelerators;
  for (std::int32_t i = 0; i < llama_model_n_devices(model); ++i) {
    const ggml_backend_dev_t device = llama_model_get_device(model, i);
    if (IsAccelerator(device)) accelerators.push_back(device);
  }
  return accelerators;
}

std::vector<DeviceMemory> DevicesOf(const Model& model, const llama_context* context) {
  const auto accelerators = AcceleratorsOf(model.get());
  std::vector<DeviceMemory> devices;
  for (const ggml_backend_dev_t device : accelerators) {
    devices.push_back(Empty(ggml_backend_dev_name(device), device));
  }
  devices.push_back(Empty("host", ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU)));
  for (const auto& [type, bytes] : llama_get_memory_breakdown(context)) {
    DeviceMemory& device = devices[IndexOf(type, accelerators)];
    device.weights += bytes.model;
    device.cache += bytes.context;
    device.compute += bytes.compute;
  }
  return devices;
}

// The buffer in which the CPU kernels convert their inputs: as large as the attention scores when
// attention is not fused. The library allocates it in the first large step and counts it nowhere.
// Getting the graph reserves its compute buffers for a moment without touching them.
std::uint64_t ScratchOf(llama_context* context, const llama_context_params& params) {
  const AbortGuard guard;
  const std::uint32_t outputs = std::min(params.n_seq_max, params.n_ubatch);
  ggml_cgraph* graph = llama_graph_reserve(context, params.n_ubatch, params.n_seq_max, outputs);
  if (graph == nullptr) return 0;
  return ggml_graph_plan(graph, params.n_threads_batch, nullptr).work_size;
}

bool ComputesOnHost(const std::vector<DeviceMemory>& devices) {
  return devices.size() == 1 || devices.back().cache > 0;
}

// For each cell the library keeps a position, a shift and a set of sequences; for each used one
// also two tree nodes.
constexpr std::uint64_t kCellBytes = 48 + 2 * 48;
// Larger caches are not laid out: their bookkeeping alone would take too much memory for a plan.
constexpr std::int32_t kMaxCells = 1 << 20;
constexpr std::int32_t kSampleSize = 4096;

// Memory missing from the library's breakdown: bookkeeping of cells, a row of logits per sequence.
std::uint64_t BookkeepingOf(const DecoderTraits& traits) {
  const std::uint64_t logits = static_cast<std::uint64_t>(traits.num_vocab) * sizeof(float) *
                               static_cast<std::uint64_t>(traits.sequences);
  return static_cast<std::uint64_t>(traits.cells) * kCellBytes + logits;
}

Result<std::vector<DeviceMemory>> LayOut(const Model& model, const EngineConfig& config) {
  const auto shape = DecoderShapeOf(model, config);
  if (!shape) return shape.error();
  const auto context = MakeContext(model, shape->params);
  if (!context) return context.error();
  std::vector<DeviceMemory> devices = DevicesOf(model, context->get());
  if (!ComputesOnHost(devices)) return devices;
  try {
    devices.back().compute += ScratchOf(context->get(), shape->params);
  } catch (const std::exception& e) {
    return Error{ErrorCode::kOutOfMemory, "plan", e.what()};
  }
  return devices;
}

// Extrapolates linearly from two small contexts: the cache of a stream, and the buffers of a step
// that reads it, grow with its cells.
Result<std::vector<DeviceMemory>> Extrapolate(const Model& model, const EngineConfig& config,
                                              const DecoderTraits& traits) {
  EngineConfig sample = config;
  sample.contexts = 1;
  sample.kv_cells = 0;
  sample.context_size = kSampleSize;
  auto low = LayOut(model, sample);
  if (!low) return low;
  sample.context_size = 2 * kSampleSize;
  auto high = LayOut(model, sample);
  if (!high) return high;
  const std::int32_t streams = traits.shares_cells ? 1 : traits.contexts;
  const double more = static_cast<double>(traits.cells / streams - kSampleSize) / kSampleSize;
  const auto line = [more](std::uint64_t from, std::uint64_t to) {
    const double slope = to > from ? static_cast<double>(to - from) : 0;
    return from + static_cast<std::uint64_t>(slope * more);
  };
  std::vector<DeviceMemory> devices = *low;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    devices[i].cache =
        static_cast<std::uint64_t>(streams) * line((*low)[i].cache, (*high)[i].cache);
    devices[i].compute = line((*low)[i].compute, (*high)[i].compute);
  }
  return devices;
}

Result<std::vector<DeviceMemory>> NeedsOf(const Model& model, const EngineConfig& config,
                                          const DecoderTraits& traits) {
  auto devices =
      traits.cells > kMaxCells ? Extrapolate(model, config, traits) : LayOut(model, config);
  if (devices) devices->back().compute += BookkeepingOf(traits);
  return devices;
}

void Add(const DeviceMemory& more, std::vector<DeviceMemory>* devices) {
  auto same = std::find_if(devices->begin(), devices->end(),
                           [&](const DeviceMemory& device) { return device.name == more.name; });
  if (same == devices->end()) {
    devices->insert(devices->end() - 1, more);  // the host stays last
    return;
  }
  same->weights += more.weights;
  same->cache += more.cache;
  same->compute += more.compute;
}

Status AddDraftModel(const EngineConfig& config, const Model& target, const DecoderTraits& traits,
                     std::vector<DeviceMemory>* devices) {
  EngineConfig own = DraftConfigOf(config);
  const auto model = Model::LoadWithoutWeights(own);
  if (!model) return OfDraftModel(model.error());
  if (Status refused = Couple(target, traits, **model, &own)) return refused;
  const auto shape = DecoderShapeOf(**model, own);
  if (!shape) return OfDraftModel(shape.error());
  const auto needs = NeedsOf(**model, own, shape->traits);
  if (!needs) return OfDraftModel(needs.error());
  for (const DeviceMemory& device : *needs) Add(device, devices);
  return std::nullopt;
}

}  // namespace

Result<MemoryPlan> PlanMemory(const EngineConfig& config) {
  const auto model = Model::LoadWithoutWeights(config);
  if (!model) return model.error();
  const auto shape = DecoderShapeOf(**model, config);
  if (!shape) return shape.error();
  const DecoderTraits& traits = shape->traits;
  auto devices = NeedsOf(**model, config, traits);
  if (!devices) return devices.error();
  if (shape->draft_source == DraftSource::kDraftModel) {
    const Status refused = AddDraftModel(config, **model, traits, &*devices);
    if (refused) return *refused;
  }
  MemoryPlan plan;
  plan.devices = std::move(devices).value();
  plan.contexts = traits.contexts;
  plan.context_size = traits.context_size;
  plan.context_train = llama_model_n_ctx_train((*model)->get());
  plan.num_layers = llama_model_n_layer((*model)->get());
  plan.speculation = DraftSourceName(shape->draft_source);
  return plan;
}

}  // namespace sentiric::backend
