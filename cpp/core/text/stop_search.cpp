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

// The text that is complete first, and how much may be the beginning of one.
struct Found {
  const std::string* text = nullptr;
  std::size_t end = std::string::npos;
  std::size_t open = 0;

  void Look(const std::string& held, const std::string& wanted) {
    const std::size_t at = held.find(wanted);
    if (at != std::string::npos && at + wanted.size() < end) {
      end = at + wanted.size();
      text = &wanted;
    }
    open = std::max(open, OpenSuffix(held, wanted));
  }
};

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

// Of several stop strings and marks, the one that is complete first wins.
bool StopSearch::Search(std::string* held, std::string* text) {
  Found found;
  for (const std::string& stop : rules_.stop) found.Look(*held, stop);
  const std::string* stop = found.text;
  for (const std::string& mark : rules_.call_marks) found.Look(*held, mark);
  if (found.text == nullptr) {
    Move(held, held->size() - found.open, text);
    return false;
  }
  if (found.text == stop) {
    Move(held, found.end - stop->size(), text);
    stopped_by_ = *stop;
    return false;
  }
  Move(held, found.end, text);
  place_ = Place::kRest;
  return true;
}

}  // namespace sentiric
