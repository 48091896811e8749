// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// What a sequence is about to evaluate.
struct PrefixRequest {
  const std::string& scope;
  const std::vector<Token>& tokens;  // prompt, and what was generated before it was preempted
  std::int32_t prompt_size = 0;      // tokens below it are evaluated in chunks
  RequestId owner = 0;
  std::int32_t opening = 0;  // see disk_policy.h; 0 = nothing of it may go to disk
  std::int32_t head = 0;     // the system prompt ends here
};

}  // namespace sentiric
