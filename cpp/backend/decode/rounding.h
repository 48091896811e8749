// SPDX-License-Identifier: AGPL-3.0-only
// Whether results depend on how rows are cut into calls; see docs/determinism.md.
#pragma once

#include "backend/decode/llama_context_ptr.h"
#include "backend/model/model.h"

namespace sentiric::backend {

// Whether a token may be computed alone or among others, as it is faster: this changes no bit where
// all products of the graph are ours. On GPUs bits depend on other requests anyway, unless
// kv_layout=split was asked for.
bool CanRecut(const Model& model, const llama_context_params& params, const EngineConfig& config);

}  // namespace sentiric::backend
