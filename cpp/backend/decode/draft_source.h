// SPDX-License-Identifier: AGPL-3.0-only
// Chooses the drafter of a model; see docs/speculation.md.
#pragma once

#include "backend/model/model.h"

namespace sentiric::backend {

enum class DraftSource { kNone, kNgram, kDraftModel };

// The drafter that the configuration asks for. "auto" drafts only where that cannot change a text,
// and on GPUs, where texts depend on other requests anyway. kInvalidArgument for an unknown kind.
Result<DraftSource> ChooseDraftSource(const Model& model, const EngineConfig& config);

// "off", "ngram" or "draft", as in the configuration.
const char* DraftSourceName(DraftSource draft_source);

}  // namespace sentiric::backend
