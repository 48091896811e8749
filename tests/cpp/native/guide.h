// SPDX-License-Identifier: AGPL-3.0-only
// The built-in guide as the model of these tests: it is in the repository and answers sensibly.
#pragma once

#include <memory>

#include "backend/model/model.h"
#include "backend/prompt/prompt_builder.h"
#include "sentiric/engine.h"

namespace sentiric::testing {

inline EngineConfig GuideConfig(std::int32_t contexts = 4, std::int32_t context_size = 256) {
  EngineConfig config;
  config.model_path = SENTIRIC_GUIDE;
  config.contexts = contexts;
  config.context_size = context_size;
  config.compute_threads = 1;
  return config;
}

inline std::shared_ptr<const backend::Model> Guide() {
  static const auto model = *backend::Model::Load(GuideConfig(), nullptr);
  return model;
}

}  // namespace sentiric::testing
