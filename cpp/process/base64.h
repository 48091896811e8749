// SPDX-License-Identifier: AGPL-3.0-only
// Bytes as text, in the alphabet for URLs, which pydantic writes and reads.
#pragma once

#include <cstddef>
#include <string>

namespace sentiric::process {

std::string Base64(const void* data, std::size_t size);
// Throws std::invalid_argument for a character that is not in the alphabet.
std::string FromBase64(const std::string& text);

}  // namespace sentiric::process
