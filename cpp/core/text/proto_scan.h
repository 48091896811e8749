// SPDX-License-Identifier: AGPL-3.0-only
// Counts the fields of a protobuf message without building one.
#pragma once

#include <cstdint>
#include <string_view>

namespace sentiric {

// Fields of the outermost message, every repetition included; stops at `most` + 1. Counts an
// invalid message up to the fault, as far as a parser gets.
std::int64_t CountProtoFields(std::string_view message, std::int64_t most);

}  // namespace sentiric
