// SPDX-License-Identifier: AGPL-3.0-only
// The fields of EngineStats by name, for everything that treats them alike.
#pragma once

#include "sentiric/engine.h"

namespace sentiric::record {

// Calls visit(name, pointer to member) for each field.
template <typename Visitor>
void ForEachStat(Visitor&& visit) {
  using S = EngineStats;
#define SENTIRIC_STAT(field) visit(#field, &S::field)
  SENTIRIC_STAT(requests_submitted);
  SENTIRIC_STAT(requests_completed);
  SENTIRIC_STAT(requests_cancelled);
  SENTIRIC_STAT(requests_failed);
  SENTIRIC_STAT(requests_rejected);
  SENTIRIC_STAT(steps);
  SENTIRIC_STAT(decode_calls);
  SENTIRIC_STAT(prompt_tokens);
  SENTIRIC_STAT(cached_tokens);
  SENTIRIC_STAT(prefix_hits);
  SENTIRIC_STAT(prefix_hits_host);
  SENTIRIC_STAT(prefix_hits_disk);
  SENTIRIC_STAT(prefix_copies);
  SENTIRIC_STAT(prefix_evictions);
  SENTIRIC_STAT(prefix_checkpoints);
  SENTIRIC_STAT(disk_cache_saves);
  SENTIRIC_STAT(disk_cache_failures);
  SENTIRIC_STAT(preemptions);
  SENTIRIC_STAT(resumes);
  SENTIRIC_STAT(generated_tokens);
  SENTIRIC_STAT(jumped_tokens);
  SENTIRIC_STAT(shifts);
  SENTIRIC_STAT(shifted_tokens);
  SENTIRIC_STAT(kv_full_retries);
  SENTIRIC_STAT(grammar_cache_hits);
  SENTIRIC_STAT(grammar_cache_misses);
  SENTIRIC_STAT(event_batches);
  SENTIRIC_STAT(drafted_tokens);
  SENTIRIC_STAT(accepted_draft_tokens);
  SENTIRIC_STAT(embedded_inputs);
  SENTIRIC_STAT(repetitions);
  SENTIRIC_STAT(draft_failures);
  SENTIRIC_STAT(queued);
  SENTIRIC_STAT(preparing);
  SENTIRIC_STAT(prefilling);
  SENTIRIC_STAT(decoding);
  SENTIRIC_STAT(waiting);
  SENTIRIC_STAT(reader_waits);
  SENTIRIC_STAT(queued_tokens);
  SENTIRIC_STAT(kv_cells);
  SENTIRIC_STAT(kv_tokens);
  SENTIRIC_STAT(resting_tokens);
  SENTIRIC_STAT(resting_sequences);
  SENTIRIC_STAT(host_cache_bytes);
  SENTIRIC_STAT(disk_cache_bytes);
  SENTIRIC_STAT(prefill_budget);
  SENTIRIC_STAT(adapters_loaded);
  SENTIRIC_STAT(step_error);
  SENTIRIC_STAT(request_ms_mean);
  SENTIRIC_STAT(step_ms_mean);
#undef SENTIRIC_STAT
}

}  // namespace sentiric::record
