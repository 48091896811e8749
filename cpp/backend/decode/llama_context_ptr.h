// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>

#include "backend/model/model.h"
#include "llama.h"

namespace sentiric::backend {

struct ContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};

// Owns a llama_context; its model must outlive it.
using ContextPtr = std::unique_ptr<llama_context, ContextDeleter>;

// kOutOfMemory or kInvalidArgument, with the library's reason.
Result<ContextPtr> MakeContext(const Model& model, const llama_context_params& params);

// The parameters that all contexts of an engine share: threads, cache types, flash attention,
// offload. kInvalidArgument for an unknown name in EngineConfig.
Result<llama_context_params> CommonParams(const EngineConfig& config);

// False for encoders: without a memory of earlier tokens there is no next one.
bool CanGenerate(llama_context* context);

}  // namespace sentiric::backend
