// SPDX-License-Identifier: AGPL-3.0-only
// Turns token bytes into text that is safe to send.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/text/stop_search.h"

namespace sentiric {

// Emits complete UTF-8 characters only, holds back text that may begin a stop string, and removes
// the stop string itself. Bytes that cannot become a character turn into U+FFFD. The same bytes
// give the same text however they are split into tokens.
class TextStream {
 public:
  explicit TextStream(StopSearch stop) : stop_(std::move(stop)) {}

  // Returns the text that is ready after these bytes; nothing more after a stop string.
  std::string Append(std::string_view bytes);

  // Returns the text still held back at the end; an unfinished character becomes U+FFFD. `was_cut`:
  // the text has ended in the middle.
  std::string Finish(bool was_cut = false);

  // The stop string that ended the text.
  const std::optional<std::string>& stopped_by() const { return stop_.stopped_by(); }

 private:
  std::string TakeCharacters();

  StopSearch stop_;
  std::string bytes_;  // not yet a complete character
  std::string held_;   // characters that may begin a stop string
};

}  // namespace sentiric
