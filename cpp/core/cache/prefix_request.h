// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

inline std::int32_t NumTokens(const std::vector<Token>& tokens) {
  return static_cast<std::int32_t>(tokens.size());
}

// The tokens that a sequence is about to evaluate.
struct PrefixRequest {
  const std::string& scope;
  const std::vector<Token>& tokens;  // prompt, and tokens generated before a preemption
  std::int32_t prompt_size = 0;      // tokens below it are evaluated in chunks
  RequestId owner = 0;
  std::int32_t opening = 0;  // see disk_policy.h; 0 = nothing may be written to disk
  std::int32_t head = 0;     // end of the system prompt
  // Whether a token is to follow, for which the last one is evaluated, even if it was before. Else
  // all may be taken, and a rest that is too short for a call is left to a later request.
  bool needs_logits = true;
  std::int32_t most = INT32_MAX;  // tokens that may come from elsewhere
};

}  // namespace sentiric
