// SPDX-License-Identifier: AGPL-3.0-only
#include "core/scheduling/running_set.h"

#include <algorithm>
#include <utility>

namespace sentiric {

void RunningSet::Add(std::unique_ptr<Sequence> sequence) {
  by_seq_[static_cast<std::size_t>(sequence->seq())] = sequence.get();
  sequences_.push_back(std::move(sequence));
}

std::unique_ptr<Sequence> RunningSet::Take(std::size_t index) {
  std::unique_ptr<Sequence> taken = std::move(sequences_[index]);
  sequences_.erase(sequences_.begin() + static_cast<std::ptrdiff_t>(index));
  Unlink(*taken);
  return taken;
}

void RunningSet::DropFinished() {
  for (const auto& sequence : sequences_) {
    if (sequence->is_finished()) Unlink(*sequence);
  }
  sequences_.erase(std::remove_if(sequences_.begin(), sequences_.end(),
                                  [](const auto& sequence) { return sequence->is_finished(); }),
                   sequences_.end());
}

}  // namespace sentiric
