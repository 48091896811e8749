// SPDX-License-Identifier: AGPL-3.0-only
// What a decoder will be, known before its context is made: a plan of its memory needs no more.
#pragma once

#include "backend/decode/draft_source.h"
#include "backend/decode/llama_context_ptr.h"
#include "backend/model/model.h"
#include "core/seams/decoder.h"

namespace sentiric::backend {

struct DecoderShape {
  DecoderTraits traits;  // but can_shift, which the context knows
  llama_context_params params;
  DraftSource draft_source;
};

// kInvalidArgument for what the configuration asks and this model cannot have.
Result<DecoderShape> DecoderShapeOf(const Model& model, const EngineConfig& config);

}  // namespace sentiric::backend
