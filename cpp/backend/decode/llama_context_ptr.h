// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>

#include "backend/model/model.h"
#include "llama.h"

namespace sentiric::backend {

struct ContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};

// Owns one llama_context; the model it was made from must live longer.
using ContextPtr = std::unique_ptr<llama_context, ContextDeleter>;

// kOutOfMemory or kInvalidArgument, with the library's reason.
Result<ContextPtr> MakeContext(const Model& model, const llama_context_params& params);

// What every context of one engine shares: threads, cache types, flash attention, offload.
// Names of EngineConfig are checked: an unknown one is kInvalidArgument.
Result<llama_context_params> CommonParams(const EngineConfig& config);

}  // namespace sentiric::backend
