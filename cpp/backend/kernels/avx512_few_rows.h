// SPDX-License-Identifier: AGPL-3.0-only
// One panel times a few activation rows, with AVX-512 VNNI: for decoding. The panel is never
// stored, so memory is read without pauses. Included by avx512_kernels.cpp only.
#pragma once

#include "backend/kernels/avx512_multiply.h"
#include "backend/kernels/avx512_pack.h"

namespace sentiric::backend {
namespace {

// One part of a panel times one row, with the same rounding as MultiplyTile.
template <class Weight>
SENTIRIC_INLINE __m512 AddPart(const Part& part, const TileRows& rows, std::int64_t row,
                               std::int64_t values, std::int64_t at, __m512 sum) {
  constexpr int kScales = Weight::kScales;
  constexpr int kGroups = 8 / kScales;
  const std::int64_t parts = values / kScaled;
  const std::int8_t* codes = rows.codes + row * values + at * kScaled;
  const __m512 row_scale = _mm512_set1_ps(rows.scales[row * parts + at]);
  for (int k = 0; k < kScales; ++k) {
    __m512i product = _mm512_set1_epi32(rows.offsets[(row * parts + at) * kScales + k]);
    for (int g = k * kGroups; g < (k + 1) * kGroups; ++g) {
      product = _mm512_dpbusd_epi32(product, part.groups[g], FourCodes(codes + g * kGroup));
    }
    sum =
        _mm512_fmadd_ps(_mm512_mul_ps(part.scales[k], row_scale), _mm512_cvtepi32_ps(product), sum);
  }
  if constexpr (Weight::kMinimums) {
    sum = _mm512_fnmadd_ps(part.minimum, _mm512_set1_ps(rows.sums[row * parts + at]), sum);
  }
  return sum;
}

template <class Weight, class Rows, int kRows>
void MultiplyFew(const WeightRows& weights, const Activations& activations, float* out,
                 std::int64_t out_stride) {
  const Rows source(weights, 0);
  const Ahead ahead(weights, 0, 1);
  const TileRows rows(activations, 0, kScaled / Weight::kScales);
  __m512 sum[kRows];
  for (auto& row : sum) row = _mm512_setzero_ps();
  const auto add = [&](std::int64_t place, const Part& part) __attribute__((always_inline)) {
    for (int r = 0; r < kRows; ++r) {
      sum[r] = AddPart<Weight>(part, rows, r, weights.values, place, sum[r]);
    }
  };
  for (std::int64_t block = 0; block < weights.values / Weight::kValues; ++block) {
    ahead.Fetch(block * Weight::kBytes, Weight::kBytes);
    UnpackBlock<Weight>(source, block, add);
  }
  const __mmask16 lanes = LaneMask(weights.rows);
  for (int r = 0; r < kRows; ++r) _mm512_mask_storeu_ps(out + r * out_stride, lanes, sum[r]);
}

template <class Weight, int kMost = kFewRows>
void MultiplyFewRows(const WeightRows& weights, const Activations& activations, std::int64_t rows,
                     float* out, std::int64_t out_stride) {
  if constexpr (kMost > 1) {
    if (rows < kMost) {
      return MultiplyFewRows<Weight, kMost - 1>(weights, activations, rows, out, out_stride);
    }
  }
  if (weights.rows >= kPanelRows) {
    MultiplyFew<Weight, FullRows, kMost>(weights, activations, out, out_stride);
  } else {
    MultiplyFew<Weight, LastRows, kMost>(weights, activations, out, out_stride);
  }
}

}  // namespace
}  // namespace sentiric::backend
