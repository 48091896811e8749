// SPDX-License-Identifier: AGPL-3.0-only
// The folder for this model's KV states on disk, and the fingerprint that distinguishes them.
#pragma once

#include "backend/decode/llama_decoder.h"
#include "backend/model/model.h"
#include "host/disk_store.h"

namespace sentiric::backend {

// Leaves the folder empty when none is configured, and with a log line when it cannot be used: the
// disk cache is then off. Reads the whole model file when it is new and keeps its digest beside the
// states.
DiskConfig DiskConfigOf(const Model& model, const LlamaDecoder& decoder,
                        const EngineConfig& config);

}  // namespace sentiric::backend
