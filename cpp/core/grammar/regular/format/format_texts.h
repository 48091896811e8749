// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <optional>
#include <string_view>

#include "core/grammar/regular/text_set.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// The texts of a `format` of JSON Schema; nullopt for names that it does not define for texts,
// which are annotations. kInvalidGrammar for formats that no automaton can check: regex, iri,
// iri-reference, idn-email and idn-hostname. Compiled once per process. Thread-safe.
Result<std::optional<TextSet>> FormatTexts(std::string_view name);

}  // namespace sentiric::grammar
