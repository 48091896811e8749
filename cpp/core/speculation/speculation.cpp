// SPDX-License-Identifier: AGPL-3.0-only
#include "core/speculation/speculation.h"

#include <algorithm>

namespace sentiric {
namespace {

constexpr double kRate = 0.3;

}  // namespace

void Speculation::OnVerified(std::int32_t drafted, std::int32_t accepted, double cost) {
  length_ = accepted == drafted ? std::min(2 * length_, kMaxDraft) : std::max(2, accepted + 1);
  gain_ += kRate * ((1 + accepted) / std::max(cost, 1.0) - gain_);
  if (gain_ >= 1.0) {
    if (accepted == drafted) pause_ = kFirstPause;
    return;
  }
  gain_ = 1.2;
  Pause();
}

void Speculation::Pause() {
  pause_left_ = pause_;
  pause_ = std::min(2 * pause_, kLongestPause);
  length_ = kFirst;
}

void Speculation::OnPlainToken() {
  if (pause_left_ > 0) --pause_left_;
}

}  // namespace sentiric
