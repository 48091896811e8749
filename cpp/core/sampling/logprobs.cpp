// SPDX-License-Identifier: AGPL-3.0-only
#include "core/sampling/logprobs.h"

#include <cmath>

#include "core/sampling/picker.h"
#include "core/sampling/row_scan.h"

namespace sentiric::sampling {

Result<ChosenLogprob> LogprobsOf(const float* logits, const std::vector<std::string>& pieces,
                                 Token chosen, std::int32_t num_top) {
  thread_local RowScan row;
  row.Read(logits, pieces.size());
  if (!row.is_finite()) return NotNumbers();
  const float log_sum = row.max() + static_cast<float>(std::log(row.SumExp(1.0f)));
  const auto logprob = [&](Token token) {
    const auto index = static_cast<std::size_t>(token);
    return TokenLogprob{token, pieces[index], logits[index] - log_sum};
  };
  Candidates top;
  row.Top(static_cast<std::size_t>(num_top), &top);
  ChosenLogprob result{logprob(chosen), {}};
  for (const Candidate& candidate : top) result.top.push_back(logprob(candidate.token));
  return result;
}

}  // namespace sentiric::sampling
