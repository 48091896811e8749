// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/sync/mutex.h"
#include "sentiric/engine.h"

struct llama_model;
struct llama_model_params;
struct llama_vocab;

namespace sentiric::backend {

// A loaded GGUF. Immutable after Load except for its list of adapters; shared by contexts, samplers
// and the prompt side.
class Model {
 public:
  // kModelNotFound for a missing file, kModelInvalid for anything the library refuses.
  // progress: see Engine::Open.
  static Result<std::shared_ptr<const Model>> Load(const EngineConfig& config,
                                                   const std::function<bool(float)>& progress);
  // The same without weights, for plans. Such a model cannot decode.
  static Result<std::shared_ptr<const Model>> LoadWithoutWeights(const EngineConfig& config);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  llama_model* get() const { return model_; }
  const llama_vocab* vocab() const;
  std::int32_t num_vocab() const;
  // Guards the library's list of adapters. Hold it to load or free an adapter, and to create a
  // context or let one plan its graph, both of which walk the list.
  Mutex* adapters_mutex() const RETURN_CAPABILITY(adapters_mutex_) { return &adapters_mutex_; }

  // The facts of the file; the caller fills in what depends on the context.
  ModelInfo Describe() const;

 private:
  static Result<std::shared_ptr<const Model>> Open(const std::string& path,
                                                   const llama_model_params& params);
  Model(llama_model* model, std::string path) : model_(model), path_(std::move(path)) {}
  std::string Meta(const char* key) const;

  llama_model* const model_;
  const std::string path_;
  mutable Mutex adapters_mutex_;
};

}  // namespace sentiric::backend
