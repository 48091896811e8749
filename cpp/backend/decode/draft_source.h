// SPDX-License-Identifier: AGPL-3.0-only
// Who drafts for a model, if anybody: see docs/speculation.md.
#pragma once

#include "backend/model/model.h"

namespace sentiric::backend {

enum class DraftSource { kNone, kNgram, kDraftModel };

// What the configuration asks for. With "auto" only what changes no text, and on a GPU, where texts
// depend on their neighbours anyway. kInvalidArgument for an unknown kind.
Result<DraftSource> ChooseDraftSource(const Model& model, const EngineConfig& config);

// "off", "ngram" or "draft", as the configuration says it.
const char* DraftSourceName(DraftSource draft_source);

}  // namespace sentiric::backend
