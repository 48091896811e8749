// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <functional>

#include "core/seams/engine_parts.h"

namespace sentiric::backend {

// Loads the model and creates all parts of an engine over llama.cpp. progress: see Engine::Open.
Result<EngineParts> OpenParts(const EngineConfig& config,
                              const std::function<bool(float)>& progress);

}  // namespace sentiric::backend
