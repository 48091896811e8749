// SPDX-License-Identifier: AGPL-3.0-only
// How far one request speculates, by what it gained so far.
#pragma once

#include <cstdint>

namespace sentiric {

// A draft grows while it is accepted whole and shrinks to what was accepted. When verifying costs
// more than the tokens it saves, the request stops drafting and tries again later, each time after
// twice as many tokens.
class Speculation {
 public:
  static constexpr std::int32_t kMaxDraft = 15;

  // Tokens worth drafting now; 0 = decode as usual.
  std::int32_t Length() const { return pause_left_ > 0 ? 0 : length_; }

  // A call verified `drafted` tokens and accepted the first `accepted`; it cost `cost` calls of a
  // single token.
  void OnVerified(std::int32_t drafted, std::int32_t accepted, double cost);
  // Steps aside for a while.
  void Pause();
  // A token came without a draft.
  void OnPlainToken();

 private:
  static constexpr std::int32_t kFirst = 4;
  static constexpr std::int32_t kFirstPause = 32, kLongestPause = 1024;

  std::int32_t length_ = kFirst;
  double gain_ = 1.5;  // exponential mean of tokens per cost; optimistic, so that it is tried
  std::int32_t pause_ = kFirstPause;
  std::int32_t pause_left_ = 0;
};

}  // namespace sentiric
