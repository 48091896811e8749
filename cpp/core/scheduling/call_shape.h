// SPDX-License-Identifier: AGPL-3.0-only
// What a decoder call consists of, as far as it decides what the call costs.
#pragma once

#include "core/scheduling/cost_model.h"
#include "core/scheduling/running_set.h"
#include "core/seams/decoder.h"

namespace sentiric {

// Of a batch that is about to be evaluated for the sequences of `running`. Runs and drafts count as
// prefill: they are chunks.
CallShape ShapeOf(const Batch& batch, const RunningSet& running);

// Of the same batch of streams without their drafts.
CallShape ShapeWithoutDrafts(const Batch& batch, const RunningSet& running);

}  // namespace sentiric
