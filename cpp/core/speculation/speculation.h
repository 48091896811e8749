// SPDX-License-Identifier: AGPL-3.0-only
// Decides how far one request speculates, from what drafts have gained so far.
#pragma once

#include <cstdint>

namespace sentiric {

// Drafts of one request.
struct DraftCount {
  std::int32_t drafted = 0, accepted = 0;  // tokens

  void Add(std::int32_t more_drafted, std::int32_t more_accepted) {
    drafted += more_drafted;
    accepted += more_accepted;
  }
};

// Drafts grow while they are accepted whole and shrink to the accepted length otherwise. When
// verifying costs more than it saves, the request pauses drafting, each time for twice as many
// tokens.
class Speculation {
 public:
  static constexpr std::int32_t kMaxDraft = 15;

  // Tokens worth drafting now; 0 = decode without a draft.
  std::int32_t Length() const { return pause_left_ > 0 ? 0 : length_; }

  // A call verified `drafted` tokens, accepted the first `accepted`, and cost as much as `cost`
  // calls of a single token.
  void OnVerified(std::int32_t drafted, std::int32_t accepted, double cost);
  // Starts a pause.
  void Pause();
  // A token was generated without a draft.
  void OnPlainToken();

 private:
  static constexpr std::int32_t kFirst = 4;
  static constexpr std::int32_t kFirstPause = 32, kLongestPause = 1024;

  std::int32_t length_ = kFirst;
  double gain_ = 1.5;  // exponential mean of tokens per cost; starts optimistic
  std::int32_t pause_ = kFirstPause;
  std::int32_t pause_left_ = 0;
};

}  // namespace sentiric
