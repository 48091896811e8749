// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstdint>

namespace sentiric::backend {

// Rows of a tensor of up to four dimensions; the first is dense. Strides are bytes.
template <class Byte>
struct TensorRows {
  Byte* data;
  std::int64_t counts[3];  // rows in each of the other dimensions
  std::int64_t strides[3];

  std::int64_t size() const { return counts[0] * counts[1] * counts[2]; }
  Byte* at(std::int64_t inner, std::int64_t middle, std::int64_t outer) const {
    return data + inner * strides[0] + middle * strides[1] + outer * strides[2];
  }
  Byte* row(std::int64_t index) const {
    return at(index % counts[0], index / counts[0] % counts[1], index / counts[0] / counts[1]);
  }
};

using ConstRows = TensorRows<const char>;
using MutableRows = TensorRows<char>;

}  // namespace sentiric::backend
