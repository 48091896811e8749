// SPDX-License-Identifier: AGPL-3.0-only
// The shape of a decoder, computed before its context is created; a memory plan needs no more.
#pragma once

#include "backend/decode/draft_source.h"
#include "backend/decode/llama_context_ptr.h"
#include "backend/model/model.h"
#include "core/seams/decoder.h"

namespace sentiric::backend {

struct DecoderShape {
  DecoderTraits traits;  // all but can_shift, which only the context knows
  llama_context_params params;
  DraftSource draft_source;
};

// kInvalidArgument when this model cannot be configured so.
Result<DecoderShape> DecoderShapeOf(const Model& model, const EngineConfig& config);

}  // namespace sentiric::backend
