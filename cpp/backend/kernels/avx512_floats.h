// SPDX-License-Identifier: AGPL-3.0-only
// Panels of floats, with AVX-512. Included by avx512_kernels.cpp only.
#pragma once

#include <immintrin.h>

#include <type_traits>

#include "backend/kernels/avx512_multiply.h"
#include "backend/kernels/panel_kernels.h"

namespace sentiric::backend {
namespace {

template <FloatType kType>
constexpr int kBytes = kType == FloatType::kF32 ? 4 : 2;

// 16 values of a row as floats; zeros behind the first `count` < 16.
template <FloatType kType>
__m512 LoadValues(const char* row, std::int64_t first, std::int64_t count) {
  const __mmask16 mask = LaneMask(count);
  if constexpr (kType == FloatType::kF32) return _mm512_maskz_loadu_ps(mask, row + first * 4);
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, row + first * 2));
}

// rows[r] lane k -> out[k * stride] lane r.
inline void Transpose16(__m512 (&rows)[16], float* out, std::int64_t stride, std::int64_t count) {
  __m512 a[16];
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    a[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  __m512 b[16];  // b[4 * q + k]: columns k of each 128 bits, rows 4q .. 4q + 3
  for (int i = 0; i < 16; i += 4) {
    b[i] = _mm512_shuffle_ps(a[i], a[i + 2], 0x44);
    b[i + 1] = _mm512_shuffle_ps(a[i], a[i + 2], 0xee);
    b[i + 2] = _mm512_shuffle_ps(a[i + 1], a[i + 3], 0x44);
    b[i + 3] = _mm512_shuffle_ps(a[i + 1], a[i + 3], 0xee);
  }
  for (int k = 0; k < 4; ++k) {
    const __m512 low01 = _mm512_shuffle_f32x4(b[k], b[k + 4], 0x44);
    const __m512 high01 = _mm512_shuffle_f32x4(b[k], b[k + 4], 0xee);
    const __m512 low23 = _mm512_shuffle_f32x4(b[k + 8], b[k + 12], 0x44);
    const __m512 high23 = _mm512_shuffle_f32x4(b[k + 8], b[k + 12], 0xee);
    const __m512 columns[4] = {
        _mm512_shuffle_f32x4(low01, low23, 0x88), _mm512_shuffle_f32x4(low01, low23, 0xdd),
        _mm512_shuffle_f32x4(high01, high23, 0x88), _mm512_shuffle_f32x4(high01, high23, 0xdd)};
    for (int i = 0; i < 4; ++i) {
      if (4 * i + k < count) _mm512_store_ps(out + (4 * i + k) * stride, columns[i]);
    }
  }
}

template <FloatType kType>
void PackFloatPanel(const WeightRows& weights, const FloatTile& tile, int panel) {
  const std::int64_t stride = tile.panels * kPanelRows;
  const std::int64_t ahead = tile.panels * kPanelRows * weights.stride;  // of the next tile
  const char* data[kPanelRows];
  for (int i = 0; i < kPanelRows; ++i) {
    const std::int64_t row = panel * kPanelRows + i;
    data[i] = weights.data + (row < weights.rows ? row : weights.rows - 1) * weights.stride;
  }
  for (std::int64_t k = 0; k < tile.values; k += 16) {
    __m512 rows[kPanelRows];
    for (int i = 0; i < kPanelRows; ++i) {
      _mm_prefetch(data[i] + ahead + (tile.first_value + k) * kBytes<kType>, _MM_HINT_T0);
      rows[i] = LoadValues<kType>(data[i], tile.first_value + k, tile.values - k);
    }
    Transpose16(rows, tile.weights + k * stride + panel * kPanelRows, stride, tile.values - k);
  }
}

void PackFloats(FloatType type, const WeightRows& weights, const FloatTile& tile) {
  for (int panel = 0; panel < tile.panels; ++panel) {
    if (type == FloatType::kF32) PackFloatPanel<FloatType::kF32>(weights, tile, panel);
    if (type == FloatType::kF16) PackFloatPanel<FloatType::kF16>(weights, tile, panel);
  }
}

template <int kPanels, int kRows>
void MultiplyFloatTile(const FloatTile& tile, const __mmask16 (&lanes)[kPanels],
                       const float* const* activations, float* const* out) {
  __m512 sum[kRows][kPanels];
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) {
      sum[r][p] = tile.first_value == 0 ? _mm512_setzero_ps()
                                        : _mm512_maskz_loadu_ps(lanes[p], out[r] + p * kPanelRows);
    }
  }
  const float* weights = tile.weights;
  for (std::int64_t k = 0; k < tile.values; ++k) {
    __m512 weight[kPanels];
    for (auto& panel : weight) {
      panel = _mm512_load_ps(weights);
      weights += kPanelRows;
    }
    for (int r = 0; r < kRows; ++r) {
      const __m512 value = _mm512_set1_ps(activations[r][k]);
      for (int p = 0; p < kPanels; ++p) sum[r][p] = _mm512_fmadd_ps(weight[p], value, sum[r][p]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) {
      _mm512_mask_storeu_ps(out[r] + p * kPanelRows, lanes[p], sum[r][p]);
    }
  }
}

constexpr int kFloatRows = 8;  // of two panels: 16 sums in registers

// The next `rows` rows, at most kMost of them, in one tile.
template <int kMost, int kPanels>
void MultiplyUpTo(const FloatTile& tile, const __mmask16 (&lanes)[kPanels],
                  const float* const* activations, float* const* out, int rows) {
  if constexpr (kMost > 1) {
    if (rows < kMost) return MultiplyUpTo<kMost - 1>(tile, lanes, activations, out, rows);
  }
  MultiplyFloatTile<kPanels, kMost>(tile, lanes, activations, out);
}

template <int kPanels>
void MultiplyFloatRows(const FloatTile& tile, const float* const* activations, float* const* out) {
  __mmask16 lanes[kPanels];
  for (int p = 0; p < kPanels; ++p) {
    lanes[p] = LaneMask(tile.lanes - p * kPanelRows);
  }
  for (int row = 0; row < tile.rows; row += kFloatRows) {
    MultiplyUpTo<kFloatRows>(tile, lanes, activations + row, out + row, tile.rows - row);
  }
}

void MultiplyFloats(const FloatTile& tile, const float* const* activations, float* const* out) {
  if (tile.panels == 1) {
    MultiplyFloatRows<1>(tile, activations, out);
  } else {
    MultiplyFloatRows<2>(tile, activations, out);
  }
}

constexpr int kDotTile = 4;
// Values to prefetch ahead: rows of a KV cache are far apart, on different pages.
constexpr std::int64_t kAhead = 512;

// kWeights x kRows sums of 16 lanes each, folded at the end.
template <FloatType kType, int kWeights, int kRows>
void DotTile(const WeightRows& weights, const float* const* activations, float* const* out) {
  __m512 sum[kRows][kWeights];
  for (auto& row : sum) {
    for (auto& lane : row) lane = _mm512_setzero_ps();
  }
  for (std::int64_t k = 0; k < weights.values; k += 16) {
    const std::int64_t left = weights.values - k;
    const __mmask16 mask = LaneMask(left);
    __m512 weight[kWeights];
    for (int w = 0; w < kWeights; ++w) {
      const char* row = weights.data + w * weights.stride;
      _mm_prefetch(row + (k + kAhead) * kBytes<kType>, _MM_HINT_T0);
      weight[w] = LoadValues<kType>(row, k, left);
    }
    for (int r = 0; r < kRows; ++r) {
      const __m512 values = _mm512_maskz_loadu_ps(mask, activations[r] + k);
      for (int w = 0; w < kWeights; ++w) sum[r][w] = _mm512_fmadd_ps(weight[w], values, sum[r][w]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int w = 0; w < kWeights; ++w) out[r][w] = _mm512_reduce_add_ps(sum[r][w]);
  }
}

template <FloatType kType, int kWeights, int kMost>
void DotUpTo(const WeightRows& weights, const float* const* activations, float* const* out,
             int rows) {
  if constexpr (kMost > 1) {
    if (rows < kMost) return DotUpTo<kType, kWeights, kMost - 1>(weights, activations, out, rows);
  }
  DotTile<kType, kWeights, kMost>(weights, activations, out);
}

template <FloatType kType>
void DotRows(const WeightRows& weights, const float* const* activations, int rows,
             float* const* out) {
  constexpr int kMost = 6;
  for (int row = 0; row < rows; row += kMost) {
    WeightRows tile = weights;
    const int present = rows - row < kMost ? rows - row : kMost;
    float* at[kMost];
    for (int i = 0; i < present; ++i) at[i] = out[row + i];
    const auto next = [&](int count) {
      tile.data += count * tile.stride;
      tile.rows -= count;
      for (int i = 0; i < present; ++i) at[i] += count;
    };
    for (; tile.rows >= kDotTile; next(kDotTile)) {
      DotUpTo<kType, kDotTile, kMost>(tile, activations + row, at, present);
    }
    for (; tile.rows >= 1; next(1)) {
      DotUpTo<kType, 1, kMost>(tile, activations + row, at, present);
    }
  }
}

void DotFloats(FloatType type, const WeightRows& weights, const float* const* activations, int rows,
               float* const* out) {
  if (type == FloatType::kF32) DotRows<FloatType::kF32>(weights, activations, rows, out);
  if (type == FloatType::kF16) DotRows<FloatType::kF16>(weights, activations, rows, out);
}

}  // namespace
}  // namespace sentiric::backend
