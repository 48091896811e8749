// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <functional>
#include <string>

namespace sentiric::backend {

// Sees each text that a caller wrote, as the template would get it, and returns what it gets
// instead. `filler` distinguishes names that would become equal. Null = the text itself.
using TextFilter = std::function<std::string(const std::string& text, char filler)>;

}  // namespace sentiric::backend
