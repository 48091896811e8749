// SPDX-License-Identifier: AGPL-3.0-only
// Who guesses ahead for a model, if anybody: see docs/speculation.md.
#pragma once

#include "backend/model/model.h"

namespace sentiric::backend {

enum class Guesser { kNone, kEarlierText, kDraftModel };

// What the configuration asks for. With "auto" only what changes no text, and on a GPU, where texts
// depend on their neighbours anyway. kInvalidArgument for an unknown kind.
Result<Guesser> ChooseGuesser(const Model& model, const EngineConfig& config);

// "off", "ngram" or "draft", as the configuration says it.
const char* GuesserName(Guesser guesser);

}  // namespace sentiric::backend
