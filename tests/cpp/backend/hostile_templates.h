// SPDX-License-Identifier: AGPL-3.0-only
// Templates made by chance, of everything that the engine's grammar has: loops, macros, filters,
// tests and functions with arguments that are too large, lists and mappings that contain
// themselves.
#pragma once

#include <cstdint>
#include <string>

namespace sentiric::backend::testing {

// The same template for the same seed.
std::string HostileTemplate(std::uint64_t seed);

}  // namespace sentiric::backend::testing
