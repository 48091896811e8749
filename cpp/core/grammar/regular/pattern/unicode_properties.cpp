// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/pattern/unicode_properties.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace sentiric::grammar {
namespace {

struct Property {
  std::string_view key;  // "Alpha", "gc=Lu", "sc=Greek", "scx=Greek"
  std::uint32_t first;   // in kRanges
  std::uint32_t count;
};

// kRanges: CodeRange[]; kProperties: Property[], by key.
#include "unicode_tables.inc"

const Property* Find(std::string_view key) {
  const Property* found =
      std::lower_bound(std::begin(kProperties), std::end(kProperties), key,
                       [](const Property& x, std::string_view wanted) { return x.key < wanted; });
  return found != std::end(kProperties) && found->key == key ? found : nullptr;
}

std::optional<std::vector<CodeRange>> RangesOf(const Property* property) {
  if (property == nullptr) return std::nullopt;
  const CodeRange* first = kRanges + property->first;
  return std::vector<CodeRange>(first, first + property->count);
}

bool Has(std::string_view key, CodePoint c) {
  const Property* property = Find(key);
  const CodeRange* first = kRanges + property->first;
  const CodeRange* last = first + property->count;
  const CodeRange* range = std::lower_bound(
      first, last, c, [](CodeRange x, CodePoint wanted) { return x.last < wanted; });
  return range != last && range->first <= c;
}

}  // namespace

std::optional<std::vector<CodeRange>> FindProperty(std::string_view name) {
  if (name.find('=') != std::string_view::npos) return std::nullopt;
  if (const Property* property = Find(name)) return RangesOf(property);
  return FindProperty("gc", name);
}

std::optional<std::vector<CodeRange>> FindProperty(std::string_view name, std::string_view value) {
  std::string key;
  if (name == "gc" || name == "General_Category") key = "gc=";
  if (name == "sc" || name == "Script") key = "sc=";
  if (name == "scx" || name == "Script_Extensions") key = "scx=";
  return key.empty() ? std::nullopt : RangesOf(Find(key.append(value)));
}

bool IsIdentifierStart(CodePoint c) { return Has("ID_Start", c); }

bool IsIdentifierPart(CodePoint c) {
  return c == '$' || c == 0x200C || c == 0x200D || Has("ID_Continue", c);
}

}  // namespace sentiric::grammar
