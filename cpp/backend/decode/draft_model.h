// SPDX-License-Identifier: AGPL-3.0-only
// A smaller model with the same vocabulary that drafts for the one that is served.
#pragma once

#include <memory>

#include "backend/decode/llama_decoder.h"
#include "core/seams/drafter.h"

namespace sentiric::backend {

// The draft model's own configuration, but the context size, which depends on its file.
EngineConfig DraftConfigOf(const EngineConfig& config);

// Completes it: a context for each of the target's, as long as theirs or as the model allows.
// kNotSupported when one of the models cannot take drafts back, kInvalidArgument when their
// vocabularies differ.
Status Couple(const Model& target, const DecoderTraits& traits, const Model& draft,
              EngineConfig* draft_config);

// The same error, as one of the draft model.
Error OfDraftModel(Error error);

// Loads it. traits: of the target's decoder.
Result<std::unique_ptr<Drafter>> OpenDraftModel(const EngineConfig& config, const Model& target,
                                                const DecoderTraits& traits);

}  // namespace sentiric::backend
