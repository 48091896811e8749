// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/explain/next_strings.h"

#include <algorithm>
#include <utility>

namespace sentiric::grammar {
namespace {

constexpr std::size_t kMaxBytes = 200;  // of one string
constexpr std::size_t kMaxSteps = 5000;
constexpr std::size_t kMaxForced = 64;

struct Begun {
  Matcher matcher;
  std::string text;
  bool is_escaped = false;  // behind a backslash
};

class Search {
 public:
  Search(const Matcher& matcher, Spelling spelling, std::size_t max_strings)
      : spelling_(spelling), max_strings_(max_strings) {
    open_.push_back({matcher, "", false});
  }

  std::optional<std::vector<std::string>> Run() {
    for (std::size_t steps = 0; !open_.empty(); ++steps) {
      // Strings that are open all have an end, and not the same.
      if (steps == kMaxSteps || open_.size() + found_.size() > max_strings_) return std::nullopt;
      Begun begun = std::move(open_.back());
      open_.pop_back();
      if (!TakeForced(&begun)) Split(begun);
      if (begun.matcher.BudgetExceeded() || begun.text.size() > kMaxBytes) return std::nullopt;
    }
    std::sort(found_.begin(), found_.end());
    return std::move(found_);
  }

 private:
  // True when the string ends there.
  bool Take(char c, Begun* begun) {
    if (c == '"' && !begun->is_escaped) {
      found_.push_back(begun->text);
      return true;
    }
    begun->is_escaped = c == '\\' && !begun->is_escaped;
    begun->text.push_back(c);
    return false;
  }

  // Up to the next choice. True when the string ends there.
  bool TakeForced(Begun* begun) {
    const std::string forced = begun->matcher.Forced(kMaxForced).value_or(std::string());
    for (char c : forced) {
      if (!IsUsual(c, *begun)) return true;
      if (Take(c, begun)) return true;
    }
    begun->matcher.Advance(forced);
    return false;
  }

  bool IsUsual(char c, const Begun& begun) const {
    return spelling_ == Spelling::kOnly || !begun.is_escaped || (c != 'u' && c != '/');
  }

  void Split(Begun& begun) {
    for (int byte = 255; byte >= 0; --byte) {
      const char c = static_cast<char>(byte);
      if (!IsUsual(c, begun) || !begun.matcher.Accepts({&c, 1})) continue;
      Begun longer = begun;
      longer.matcher.Advance({&c, 1});
      if (!Take(c, &longer)) open_.push_back(std::move(longer));
    }
  }

  const Spelling spelling_;
  const std::size_t max_strings_;
  std::vector<Begun> open_;
  std::vector<std::string> found_;
};

}  // namespace

std::optional<std::vector<std::string>> NextStrings(const Matcher& matcher, Spelling spelling,
                                                    std::size_t max_strings) {
  return Search(matcher, spelling, max_strings).Run();
}

}  // namespace sentiric::grammar
