// SPDX-License-Identifier: AGPL-3.0-only
#include "core/text/stop_search.h"

#include <algorithm>
#include <utility>

namespace sentiric {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool BeginsWith(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

// Length of the longest suffix of `text` that is the beginning of `mark`, but not all of it.
std::size_t OpenSuffix(std::string_view text, std::string_view mark) {
  for (std::size_t n = std::min(text.size(), mark.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == mark.substr(0, n)) return n;
  }
  return 0;
}

// Where one of some texts stands first.
struct Found {
  const std::string* text = nullptr;
  std::size_t begin = std::string::npos;
  std::size_t end() const { return begin + text->size(); }
};

// Of several stop strings, the one that is complete first.
Found FirstComplete(const std::string& held, const std::vector<std::string>& texts) {
  Found first;
  for (const std::string& text : texts) {
    const std::size_t at = held.find(text);
    if (at == std::string::npos) continue;
    if (first.text == nullptr || at + text.size() < first.end()) first = {&text, at};
  }
  return first;
}

// Of several marks, the one that begins first: none is the beginning of another.
Found FirstBegun(const std::string& held, const std::vector<std::string>& texts) {
  Found first;
  for (const std::string& text : texts) {
    const std::size_t at = held.find(text);
    if (at < first.begin) first = {&text, at};
  }
  return first;
}

// Length of the longest suffix of `held` that is the beginning of one of these.
std::size_t Open(std::string_view held, const std::vector<std::string>& texts) {
  std::size_t open = 0;
  for (const std::string& text : texts) open = std::max(open, OpenSuffix(held, text));
  return open;
}

void Move(std::string* held, std::size_t count, std::string* text) {
  text->append(*held, 0, count);
  held->erase(0, count);
}

}  // namespace

StopSearch::StopSearch(StopRules rules) : rules_(std::move(rules)) {
  if (rules_.is_in_thought) place_ = Place::kThought;
  if (rules_.stop.empty()) place_ = Place::kRest;
}

std::string StopSearch::Take(std::string* held) {
  std::string text;
  while (!stopped_by_ && Step(held, &text)) {
  }
  return text;
}

std::string StopSearch::TakeRest(std::string* held, bool was_cut) {
  std::string text = Take(held);
  if (stopped_by_) return text;
  const bool is_searched = place_ != Place::kThought && place_ != Place::kRest;
  if (is_searched && !was_cut) Stop(held, &text);  // no mark came of it
  if (!stopped_by_) Move(held, held->size(), &text);
  return text;
}

bool StopSearch::Step(std::string* held, std::string* text) {
  switch (place_) {
    case Place::kBegin: return Begin(held, text);
    case Place::kThought: return EndThought(held, text);
    case Place::kBehindThought: return SkipBlanks(held, text);
    case Place::kAnswer: return BeginAnswer(*held);
    case Place::kText: return Search(held, text);
    case Place::kRest: break;
  }
  Move(held, held->size(), text);
  return false;
}

bool StopSearch::Begin(std::string* held, std::string* text) {
  if (rules_.thought_begin.empty()) {
    place_ = Place::kAnswer;
  } else if (BeginsWith(*held, rules_.thought_begin)) {
    Move(held, rules_.thought_begin.size(), text);
    place_ = Place::kThought;
  } else if (BeginsWith(rules_.thought_begin, *held)) {
    return false;
  } else {
    place_ = Place::kAnswer;
  }
  return true;
}

bool StopSearch::EndThought(std::string* held, std::string* text) {
  const std::size_t at = held->find(rules_.thought_end);
  if (at == std::string::npos) {
    Move(held, held->size() - OpenSuffix(*held, rules_.thought_end), text);
    return false;
  }
  Move(held, at + rules_.thought_end.size(), text);
  place_ = Place::kBehindThought;
  return true;
}

bool StopSearch::SkipBlanks(std::string* held, std::string* text) {
  Move(held, std::min(held->find_first_not_of(kBlanks), held->size()), text);
  if (held->empty()) return false;
  place_ = Place::kAnswer;
  return true;
}

bool StopSearch::BeginAnswer(const std::string& held) {
  const bool is_call = !rules_.call_opening.empty() && BeginsWith(held, rules_.call_opening);
  if (!is_call && !rules_.call_opening.empty() && BeginsWith(rules_.call_opening, held))
    return false;
  place_ = is_call ? Place::kRest : Place::kText;
  return true;
}

bool StopSearch::Search(std::string* held, std::string* text) {
  const Found stop = FirstComplete(*held, rules_.stop);
  const Found mark = FirstBegun(*held, rules_.call_marks);
  const std::size_t open_mark = held->size() - Open(*held, rules_.call_marks);
  // A stop string in front of the end of a mark is a part of the mark, if one comes of it.
  if (mark.text != nullptr && (stop.text == nullptr || stop.end() > mark.begin)) {
    Move(held, mark.end(), text);
    place_ = Place::kRest;
    return true;
  }
  if (stop.text == nullptr || stop.end() > open_mark) {
    const std::size_t begun = std::min(stop.begin, held->size() - Open(*held, rules_.stop));
    Move(held, std::min(begun, open_mark), text);
    return false;
  }
  Stop(held, text);
  return false;
}

// Ends the text at the first stop string, if there is one.
void StopSearch::Stop(std::string* held, std::string* text) {
  const Found stop = FirstComplete(*held, rules_.stop);
  if (stop.text == nullptr) return;
  Move(held, stop.begin, text);
  stopped_by_ = *stop.text;
}

}  // namespace sentiric
