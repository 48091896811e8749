// SPDX-License-Identifier: AGPL-3.0-only
// The three steps of a matrix product, written for one instruction set.
#pragma once

#include <cstdint>

#include "backend/kernels/panel.h"

namespace sentiric::backend {

enum class WeightType { kQ8_0, kQ4_0, kQ5_0, kIq4Nl, kIq4Xs, kQ4_K, kQ5_K, kQ6_K };

const PanelFormat& FormatOf(WeightType type);

inline constexpr int kFewRows = 8;

// Rows of a weight matrix, in the format of the model file.
struct WeightRows {
  const char* data;     // the first row
  std::int64_t stride;  // bytes from row to row
  std::int64_t rows;    // existing rows; a panel that is not full repeats the last one
  std::int64_t values;  // of a row
};

enum class FloatType { kF32, kF16 };

inline constexpr int kFloatPanels = 2;  // at most, in one tile

// Some values of some weight rows as floats, [values][panels][16], 64-byte aligned.
struct FloatTile {
  float* weights;
  int panels;  // 1 to kFloatPanels
  int lanes;   // existing weight rows
  int rows;    // of activations
  std::int64_t first_value;
  std::int64_t values;
};

// Thread-safe: pure functions.
struct PanelKernels {
  const char* name;

  // Quantises blocks [first, last) of 32 values of row `row` like llama.cpp's Q8_0 (largest
  // magnitude -> 127, ties to even), but keeps the scale as a float.
  void (*quantize)(const float* values, std::int64_t row, std::int64_t first, std::int64_t last,
                   const PanelFormat& format, const Activations& out);

  // One panel, without packing it, times rows 0 .. rows - 1 of the activations, rows <= kFewRows.
  // Gives the same bits as pack and multiply. Prefetches the following rows.
  void (*multiply_few)(WeightType type, const WeightRows& weights, const Activations& activations,
                       std::int64_t rows, float* out, std::int64_t out_stride);

  // Unpacks rows 0 .. 16 * panels - 1 of `weights`. Prefetches the following rows.
  void (*pack)(WeightType type, const WeightRows& weights, int panels, const Panels& out);

  // Computes out[row * out_stride + lane] for rows [first, last) and 16 * panels lanes; writes the
  // first `lanes`. panels is 1 or 2.
  void (*multiply)(const PanelFormat& format, const Panels& weights, int panels, int lanes,
                   const Activations& activations, std::int64_t first, std::int64_t last,
                   float* out, std::int64_t out_stride);

  // Unpacks the values of a tile.
  void (*pack_floats)(FloatType type, const WeightRows& weights, const FloatTile& tile);

  // Adds the tile's products to out[row][lane], or sets it if first_value is 0. activations[row]
  // points at the tile's first value.
  void (*multiply_floats)(const FloatTile& tile, const float* const* activations,
                          float* const* out);

  // Computes out[row][weight row] for long rows, without packing: 16 sums, folded at the end.
  void (*dot_floats)(FloatType type, const WeightRows& weights, const float* const* activations,
                     int rows, float* const* out);
};

// The best kernels for this processor; null when there are only llama.cpp's own.
const PanelKernels* FindPanelKernels();

// AVX-512 F, BW, VL and VNNI. Compiled on x86-64 only.
extern const PanelKernels kAvx512Kernels;

}  // namespace sentiric::backend
