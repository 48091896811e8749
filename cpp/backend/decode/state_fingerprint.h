// SPDX-License-Identifier: AGPL-3.0-only
// Where KV states of this model go on disk, and what tells them from those of any other.
#pragma once

#include "backend/decode/llama_decoder.h"
#include "backend/model/model.h"
#include "host/disk_store.h"

namespace sentiric::backend {

// No folder when none is configured or it cannot be used, which is logged: a server
// without the tier computes, and is never wrong. Reads the whole model file when it is new; its
// digest is kept beside the states.
DiskConfig DiskConfigOf(const Model& model, const LlamaDecoder& decoder,
                        const EngineConfig& config);

}  // namespace sentiric::backend
