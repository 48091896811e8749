// SPDX-License-Identifier: AGPL-3.0-only
// What ends the answer of a request.
#pragma once

#include "core/text/stop_search.h"
#include "sentiric/types.h"

namespace sentiric {

inline StopRules StopRulesOf(const Request& request) {
  StopRules rules;
  rules.stop = request.stop;
  rules.call_marks = request.call_marks;
  rules.call_opening = request.call_opening;
  if (!request.thinking) return rules;
  rules.thought_begin = request.thinking->begin;
  rules.thought_end = request.thinking->end;
  rules.is_in_thought = request.thinking->is_open;
  return rules;
}

}  // namespace sentiric
