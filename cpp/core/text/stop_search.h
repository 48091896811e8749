// SPDX-License-Identifier: AGPL-3.0-only
// Finds stop strings where they count.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sentiric {

// What ends a text, and where it does not.
struct StopRules {
  std::vector<std::string> stop;        // not empty ones
  std::vector<std::string> call_marks;  // each begins a call, anywhere; not empty ones
  std::string call_opening;             // begins one where the answer begins; "" = none
  std::string thought_begin;            // "" = an answer begins with no thought
  std::string thought_end;              // not empty where a thought may be open
  bool is_in_thought = false;           // the text begins inside one
};

// Stop strings count in what an answer says: not in a thought that it begins with, not in the
// blanks behind that thought, and not from a text on that begins a call of a tool, which they may
// not cut either. What is found does not depend on how the text was split.
class StopSearch {
 public:
  explicit StopSearch(StopRules rules);

  // Moves what is certain out of `held`; nothing more after a stop string, which is removed.
  std::string Take(std::string* held);

  // The same for all that is held where the text has ended. If it was cut off, what may be the
  // beginning of a mark is given out as it is.
  std::string TakeRest(std::string* held, bool was_cut);

  // The stop string that ended the text.
  const std::optional<std::string>& stopped_by() const { return stopped_by_; }

 private:
  enum class Place { kBegin, kThought, kBehindThought, kAnswer, kText, kRest };

  // Each goes one place further and returns true, or needs more text.
  bool Step(std::string* held, std::string* text);
  bool Begin(std::string* held, std::string* text);
  bool EndThought(std::string* held, std::string* text);
  bool SkipBlanks(std::string* held, std::string* text);
  bool BeginAnswer(const std::string& held);
  bool Search(std::string* held, std::string* text);
  void Stop(std::string* held, std::string* text);

  StopRules rules_;
  Place place_ = Place::kBegin;
  std::optional<std::string> stopped_by_;
};

}  // namespace sentiric
