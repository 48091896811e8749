// SPDX-License-Identifier: AGPL-3.0-only
// A smaller model with the same vocabulary, which drafts for the served model.
#pragma once

#include <memory>

#include "backend/decode/llama_decoder.h"
#include "core/seams/drafter.h"

namespace sentiric::backend {

// The configuration of the draft model, except its context size, which depends on its file.
EngineConfig DraftConfigOf(const EngineConfig& config);

// Checks that the models fit together and sets the context size: the target's, or the training
// length of the draft model if that is smaller. kNotSupported when a model cannot be used with
// drafts, kInvalidArgument when the vocabularies differ.
Status Couple(const Model& target, const DecoderTraits& traits, const Model& draft,
              EngineConfig* draft_config);

// Attributes the error to the draft model.
Error OfDraftModel(Error error);

// Loads the draft model. traits: those of the target's decoder.
Result<std::unique_ptr<Drafter>> OpenDraftModel(const EngineConfig& config, const Model& target,
                                                const DecoderTraits& traits);

}  // namespace sentiric::backend
