// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/prompt/message_places.h"

#include <algorithm>
#include <bitset>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sentiric::backend {
namespace {

// The characters of private use, which have no meaning: three bytes each.
constexpr std::size_t kFirstPrivate = 0xE000, kLastPrivate = 0xF8FF;

// A character of private use that does not occur in the text; empty when all do.
std::string UnusedCharacter(const std::string& text) {
  std::bitset<kLastPrivate - kFirstPrivate + 1> occurs;
  const auto bits = [&](std::size_t at) { return static_cast<unsigned char>(text[at]) & 0x3Fu; };
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead != 0xEE && lead != 0xEF) continue;
    const std::size_t code = (lead & 0x0Fu) << 12 | bits(i + 1) << 6 | bits(i + 2);
    if (code <= kLastPrivate) occurs.set(code - kFirstPrivate);
  }
  std::size_t code = kFirstPrivate;
  while (code <= kLastPrivate && occurs[code - kFirstPrivate]) ++code;
  if (code > kLastPrivate) return {};
  return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
          static_cast<char>(0x80 | (code & 0x3F))};
}

// Marks are the character, four digits and the character again.
class Marks {
 public:
  explicit Marks(std::string character) : character_(std::move(character)) {}

  // Behind leading space, which templates trim.
  void Put(std::size_t index, std::string* text) const {
    const std::size_t at = text->find_first_not_of(" \t\r\n\v\f");
    if (at != std::string::npos) text->insert(at, Mark(index));
  }

  // Takes the marks out and notes where each message's first one was.
  std::string TakeOut(const std::string& marked, std::vector<std::size_t>* begins) const {
    std::string text;
    std::size_t from = 0;
    const std::size_t size = Mark(0).size();
    for (std::size_t at = marked.find(character_); at != std::string::npos;
         at = marked.find(character_, from)) {
      text.append(marked, from, at - from);
      from = std::min(at + size, marked.size());
      std::size_t index = begins->size();
      if (at + size <= marked.size()) {
        index = std::strtoul(marked.c_str() + at + character_.size(), nullptr, 10);
      }
      if (index < begins->size() && (*begins)[index] == std::string::npos) {
        (*begins)[index] = text.size();
      }
    }
    return text.append(marked, from, std::string::npos);
  }

 private:
  std::string Mark(std::size_t index) const {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%04zu", index);
    return character_ + digits + character_;
  }

  const std::string character_;
};

Prompt Marked(const Prompt& prompt, const Marks& marks, bool marks_calls) {
  Prompt marked = prompt;
  for (std::size_t i = 0; i < marked.messages.size(); ++i) {
    Message& message = marked.messages[i];
    marks.Put(i, &message.reasoning);
    marks.Put(i, &message.content);
    if (marks_calls && message.reasoning.empty() && message.content.empty() &&
        !message.tool_calls.empty()) {
      marks.Put(i, &message.tool_calls.front().name);
    }
  }
  return marked;
}

}  // namespace

std::vector<std::size_t> FindMessages(const ChatTemplate& chat, const Prompt& prompt,
                                      const std::string& text, bool add_generation_prompt,
                                      std::time_t now) {
  std::vector<std::size_t> none(prompt.messages.size(), std::string::npos);
  const std::string character = UnusedCharacter(text);
  if (character.empty()) return none;
  const Marks marks(character);
  for (const bool marks_calls : {true, false}) {
    const auto rendered =
        chat.Render(Marked(prompt, marks, marks_calls), add_generation_prompt, now);
    if (!rendered.ok()) continue;
    std::vector<std::size_t> begins = none;
    if (marks.TakeOut(rendered->Text(), &begins) == text) return begins;
  }
  return none;
}

}  // namespace sentiric::backend
