// SPDX-License-Identifier: AGPL-3.0-only
// Panels times activation rows, with AVX-512 VNNI. Included by avx512_kernels.cpp only.
#pragma once

#include <immintrin.h>

#include <cstring>
#include <type_traits>

#include "backend/kernels/panel.h"

namespace sentiric::backend {
namespace {

// The first `count` lanes of 16.
inline __mmask16 LaneMask(std::int64_t count) {
  if (count >= kPanelRows) return 0xffff;
  return static_cast<__mmask16>((1u << (count > 0 ? count : 0)) - 1);
}

inline __attribute__((always_inline)) __m512i FourCodes(const std::int8_t* at) {
  std::int32_t codes;
  std::memcpy(&codes, at, sizeof codes);
  return _mm512_set1_epi32(codes);
}

// The beginnings of the activation rows of one tile.
struct TileRows {
  const std::int8_t* codes;
  const float* scales;
  const std::int32_t* offsets;
  const float* sums;

  TileRows(const Activations& all, std::int64_t row, int values_per_scale)
      : codes(all.codes + row * all.values),
        scales(all.scales + row * (all.values / kScaled)),
        offsets(all.offsets + row * (all.values / values_per_scale)),
        sums(all.sums == nullptr ? nullptr : all.sums + row * (all.values / kScaled)) {}
};

// kRows activation rows times kPanels panels. The exact products of a block and all sums stay in
// registers: 32 registers have room for 2 x 4, and as many codes are loaded as multiplied.
template <int kPanels, int kRows, int kBlock, bool kMinimums>
void MultiplyTile(const Panels& weights, const TileRows& rows, std::int64_t values,
                  const __mmask16 (&lanes)[kPanels], float* out, std::int64_t out_stride) {
  constexpr int kGroups = kBlock / kGroup;
  const std::int64_t blocks = values / kBlock;
  const std::int64_t scales = values / kScaled;
  __m512 sum[kRows][kPanels];
  for (auto& row : sum) {
    for (auto& panel : row) panel = _mm512_setzero_ps();
  }
  const std::uint8_t* codes = weights.codes;
  for (std::int64_t block = 0; block < blocks; ++block) {
    __m512i product[kRows][kPanels];
    for (int r = 0; r < kRows; ++r) {
      for (auto& panel : product[r]) panel = _mm512_set1_epi32(rows.offsets[r * blocks + block]);
    }
#pragma GCC unroll 8
    for (int group = 0; group < kGroups; ++group) {
      __m512i weight[kPanels];
      for (auto& panel : weight) {
        panel = _mm512_load_si512(codes);
        codes += kVectorBytes;
      }
      for (int r = 0; r < kRows; ++r) {
        const __m512i four = FourCodes(rows.codes + r * values + block * kBlock + group * kGroup);
        for (int p = 0; p < kPanels; ++p) {
          product[r][p] = _mm512_dpbusd_epi32(product[r][p], weight[p], four);
        }
      }
    }
    const std::int64_t part = block * kBlock / kScaled;
    for (int p = 0; p < kPanels; ++p) {
      const __m512 weight_scale =
          _mm512_load_ps(weights.scales + (block * kPanels + p) * kPanelRows);
      for (int r = 0; r < kRows; ++r) {
        const __m512 scale =
            _mm512_mul_ps(weight_scale, _mm512_set1_ps(rows.scales[r * scales + part]));
        sum[r][p] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(product[r][p]), sum[r][p]);
      }
      if constexpr (kMinimums) {
        const __m512 minimum =
            _mm512_load_ps(weights.minimums + (block * kPanels + p) * kPanelRows);
        for (int r = 0; r < kRows; ++r) {
          sum[r][p] =
              _mm512_fnmadd_ps(minimum, _mm512_set1_ps(rows.sums[r * scales + part]), sum[r][p]);
        }
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) {
      _mm512_mask_storeu_ps(out + r * out_stride + p * kPanelRows, lanes[p], sum[r][p]);
    }
  }
}

template <int kPanels, int kBlock, bool kMinimums>
void MultiplyRows(const Panels& weights, int lanes, const Activations& all, std::int64_t first,
                  std::int64_t last, float* out, std::int64_t out_stride) {
  constexpr int kMost = 8 / kPanels;
  __mmask16 masks[kPanels];
  for (int p = 0; p < kPanels; ++p) {
    masks[p] = LaneMask(lanes - p * kPanelRows);
  }
  std::int64_t row = first;
  const auto tile = [&](auto rows) {
    MultiplyTile<kPanels, decltype(rows)::value, kBlock, kMinimums>(
        weights, TileRows(all, row, kBlock), all.values, masks, out + row * out_stride, out_stride);
    row += rows.value;
  };
  while (last - row >= kMost) tile(std::integral_constant<int, kMost>());
  if constexpr (kMost > 4) {
    if (last - row >= 4) tile(std::integral_constant<int, 4>());
  }
  if (last - row >= 2) tile(std::integral_constant<int, 2>());
  if (last - row >= 1) tile(std::integral_constant<int, 1>());
}

}  // namespace
}  // namespace sentiric::backend
