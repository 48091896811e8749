// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/text_stream.h"

#include <algorithm>
#include <utility>

#include "core/text/utf8.h"

namespace sentiric {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Length of the longest suffix of `text` that is the beginning of `stop`, but not all of it.
std::size_t OpenSuffix(std::string_view text, std::string_view stop) {
  for (std::size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == stop.substr(0, n)) return n;
  }
  return 0;
}

}  // namespace

TextStream::TextStream(std::vector<std::string> stop) : stop_(std::move(stop)) {}

std::string TextStream::Append(std::string_view bytes) {
  if (stopped_by_) return {};
  bytes_ += bytes;
  held_ += TakeCharacters();
  return TakeSafe();
}

std::string TextStream::Finish() {
  if (stopped_by_) return {};
  if (!bytes_.empty()) held_ += kReplacement;
  bytes_.clear();
  std::string text = TakeSafe();
  if (!stopped_by_) text += std::exchange(held_, {});
  return text;
}

// Moves complete characters out of bytes_.
std::string TextStream::TakeCharacters() {
  std::string characters;
  std::size_t at = 0;
  while (at < bytes_.size()) {
    const auto rest = std::string_view(bytes_).substr(at);
    const utf8::Prefix prefix = utf8::Classify(rest);
    if (prefix.kind == utf8::Kind::kIncomplete) break;
    if (prefix.kind == utf8::Kind::kCharacter) {
      characters += rest.substr(0, prefix.length);
    } else {
      characters += kReplacement;
    }
    at += prefix.length;
  }
  bytes_.erase(0, at);
  return characters;
}

// Moves text that cannot belong to a stop string out of held_, and detects a complete one. Of
// several, the one that is complete first wins, however the text is split into tokens.
std::string TextStream::TakeSafe() {
  std::size_t first_end = std::string::npos;
  std::size_t open = 0;
  for (const std::string& stop : stop_) {
    const std::size_t at = held_.find(stop);
    if (at != std::string::npos && at + stop.size() < first_end) {
      first_end = at + stop.size();
      stopped_by_ = stop;
    }
    open = std::max(open, OpenSuffix(held_, stop));
  }
  const std::size_t safe = stopped_by_ ? first_end - stopped_by_->size() : held_.size() - open;
  std::string text = held_.substr(0, safe);
  held_.erase(0, safe);
  return text;
}

}  // namespace sentiric
