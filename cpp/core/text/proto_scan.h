// SPDX-License-Identifier: AGPL-3.0-only
// How many fields a protobuf message has, counted without building one.
#pragma once

#include <cstdint>
#include <string_view>

namespace sentiric {

// Fields of the outermost message, repeated ones each time; the count ends at `most` + 1. What is
// no protobuf is counted up to the fault, as far as a parser gets.
std::int64_t CountProtoFields(std::string_view message, std::int64_t most);

}  // namespace sentiric
