// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/grammar/regular/length_window.h"

namespace sentiric::grammar {

// A format as a regular expression for the whole text, and a window of lengths.
struct FormatPattern {
  std::string regex;
  LengthWindow length;
};

// The texts that both the standard behind the format and the checks of ajv-formats accept; nullopt
// for other names.
std::optional<FormatPattern> PatternOfFormat(std::string_view name);

}  // namespace sentiric::grammar
