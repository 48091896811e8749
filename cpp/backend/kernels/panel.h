// SPDX-License-Identifier: AGPL-3.0-only
// The operands of a matrix product: a panel of weight rows and a block of activation rows.
//
// A panel holds kPanelRows rows of a weight matrix, unpacked to unsigned bytes and transposed so
// that each lane of a vector register is one weight row. An output element is
//
//   sum over blocks of (weight scale * activation scale) * exact integer product of the block
//
// added block by block in one lane. So its rounding does not depend on the number of activation
// rows or on the thread that computes it.
//
// Plain data; the caller owns the memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sentiric::backend {

inline constexpr int kPanelRows = 16;  // lanes of 32 bits in a 512-bit register
inline constexpr int kGroup = 4;       // codes that a lane multiplies at once
inline constexpr int kScaled = 32;     // activation values that share one scale
inline constexpr std::size_t kVectorBytes = 64;

// How the weights of a type are unpacked; weight = scale * (code - zero_point) - minimum.
struct PanelFormat {
  int values_per_scale;  // 32 or 16
  int zero_point;        // 0 when there are minimums
  bool has_minimums;     // one for each 32 values
};

// `panels` panels side by side: for each group of four values a vector of codes of each panel, for
// each scale a vector of floats of each panel. 64-byte aligned.
struct Panels {
  std::uint8_t* codes;  // [values / 4][panels][16][4]
  float* scales;        // [values / values_per_scale][panels][16]
  float* minimums;      // [values / 32][panels][16], or null

  static std::size_t CodeBytes(std::int64_t values, int panels) {
    return static_cast<std::size_t>(values) * kPanelRows * panels;
  }
  static std::size_t ScaleBytes(std::int64_t values, int values_per_scale, int panels) {
    return static_cast<std::size_t>(values / values_per_scale) * kVectorBytes * panels;
  }
};

// Rows of activations as signed bytes: value = scale * code.
struct Activations {
  std::int8_t* codes;     // [rows][values]
  float* scales;          // [rows][values / 32]
  std::int32_t* offsets;  // [rows][values / values_per_scale]: -zero_point * sum of the codes
  float* sums;            // [rows][values / 32]: scale * sum of the codes; null without minimums
  std::int64_t values;    // of a row
};

}  // namespace sentiric::backend
