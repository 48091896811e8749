// SPDX-License-Identifier: AGPL-3.0-only
// The parts of a decoder call that decide its cost.
#pragma once

#include "core/scheduling/cost_model.h"
#include "core/scheduling/running_set.h"
#include "core/seams/decoder.h"

namespace sentiric {

// The shape of a batch that is about to be evaluated for the sequences of `running`. Runs and
// drafts count as prefill: they are chunks.
CallShape ShapeOf(const Batch& batch, const RunningSet& running);

// The shape that the batch would have without drafts.
CallShape ShapeWithoutDrafts(const Batch& batch, const RunningSet& running);

}  // namespace sentiric
