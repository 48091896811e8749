// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/format/format_texts.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "core/grammar/regular/format/format_patterns.h"
#include "core/grammar/regular/pattern/compile_pattern.h"
#include "core/sync/mutex.h"

namespace sentiric::grammar {
namespace {

constexpr std::string_view kNotEnforceable[] = {"idn-email", "idn-hostname", "iri", "iri-reference",
                                                "regex"};

struct Cache {
  Mutex mutex;
  std::map<std::string, TextSet, std::less<>> sets GUARDED_BY(mutex);
};

Cache& SharedCache() {
  static Cache cache;
  return cache;
}

}  // namespace

Result<std::optional<TextSet>> FormatTexts(std::string_view name) {
  if (std::find(std::begin(kNotEnforceable), std::end(kNotEnforceable), name) !=
      std::end(kNotEnforceable)) {
    return Error{
        ErrorCode::kInvalidGrammar, "format",
        "the format " + std::string(name) + " cannot be enforced; leave it out or write a pattern"};
  }
  Cache& cache = SharedCache();
  const MutexLock lock(&cache.mutex);
  const auto known = cache.sets.find(name);
  if (known != cache.sets.end()) return std::optional<TextSet>(known->second);
  const std::optional<FormatPattern> pattern = PatternOfFormat(name);
  if (!pattern) return std::optional<TextSet>();
  const Result<TextSet> texts = RegexTexts(pattern->regex);
  if (!texts) return texts.error();
  Result<TextSet> set = Intersection(*texts, {Dfa::All(), pattern->length});
  if (!set) return set.error();
  cache.sets.emplace(name, *set);
  return std::optional<TextSet>(std::move(*set));
}

}  // namespace sentiric::grammar
