// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/text_stream.h"

#include <utility>

#include "core/text/utf8.h"

namespace sentiric {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

std::string TextStream::Append(std::string_view bytes) {
  if (stopped_by()) return {};
  bytes_ += bytes;
  held_ += TakeCharacters();
  return stop_.Take(&held_);
}

std::string TextStream::Finish(bool was_cut) {
  if (stopped_by()) return {};
  if (!bytes_.empty()) held_ += kReplacement;
  bytes_.clear();
  return stop_.TakeRest(&held_, was_cut);
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

}  // namespace sentiric
