// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/schema/work_budget.h"

#include <algorithm>
#include <string>

namespace sentiric::grammar {

Status WorkBudget::Spend(std::size_t work) {
  left_ -= std::min(left_, work);
  if (left_ > 0) return std::nullopt;
  return Error{ErrorCode::kInvalidGrammar, "",
               "combinations take too much work to compile; got more than " + std::to_string(kMax) +
                   " steps, allowed " + std::to_string(kMax) +
                   "; use fewer alternatives, shorter patterns or lower bounds"};
}

}  // namespace sentiric::grammar
