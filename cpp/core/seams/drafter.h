// SPDX-License-Identifier: AGPL-3.0-only
// The seam between the engine loop and whatever drafts the next tokens, to be verified in one
// decode call. A wrong draft costs time, never text.
#pragma once

#include <string>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// A stream that can have a draft.
struct DraftRequest {
  SeqId seq = 0;
  const std::vector<Token>* tokens = nullptr;  // its text so far
  const std::string* scope = nullptr;          // texts of other scopes must not influence the draft
  std::int32_t limit = 0;                      // > 0
  const std::vector<Token>* prediction = nullptr;  // see Request; null or empty = none
  std::int32_t answer = 0;                         // where in the text the answer begins
};

struct Drafts {
  std::vector<std::vector<Token>> tokens;  // for each request, none longer than its limit
  std::vector<bool> is_predicted = {};     // whether they are of its prediction; empty = none are
  double ms = 0;  // time it took, without reading a text for the first time
};

// One for all sequences. One thread makes all calls, including the destructor.
class Drafter {
 public:
  virtual ~Drafter() = default;

  // At most `room` tokens in all. After an error it must not be called again.
  virtual Result<Drafts> Draft(const std::vector<DraftRequest>& requests, std::int32_t room) = 0;

  // The text of the sequence has ended, or tokens were removed from it.
  virtual void Forget(SeqId seq) = 0;
};

}  // namespace sentiric
