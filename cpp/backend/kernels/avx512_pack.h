// SPDX-License-Identifier: AGPL-3.0-only
// Packs weight rows into panels, with AVX-512. Included by avx512_kernels.cpp only.
#pragma once

#include <immintrin.h>

#include "backend/kernels/avx512_weights.h"

namespace sentiric::backend {
namespace {

SENTIRIC_INLINE __m512i Both(__m256i low, __m256i high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

// rows[i] holds 32 codes of row i and of row i + 8; groups[g] gets group g of all 16 rows.
SENTIRIC_INLINE void Transpose(const __m512i (&rows)[8], __m512i (&groups)[8]) {
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
  const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  __m512i pairs[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  __m512i fours[8];
  for (int i = 0; i < 8; i += 4) {
    fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  for (int g = 0; g < 4; ++g) {
    groups[g] = _mm512_permutex2var_epi64(fours[g], low, fours[g + 4]);
    groups[g + 4] = _mm512_permutex2var_epi64(fours[g], high, fours[g + 4]);
  }
}

// 32 values of 16 rows, in the layout of a panel.
struct Part {
  __m512i groups[8];
  __m512 scales[2];  // the second only if 16 values share a scale
  __m512 minimum;
};

// Calls take(place, part) for each part of block `number`; place counts the parts of a row.
template <class Weight, class Rows, class Take>
SENTIRIC_INLINE void UnpackBlock(const Rows& rows, std::int64_t number, const Take& take) {
  constexpr int kParts = Weight::kValues / 32;
  const std::int64_t at = number * Weight::kBytes;
  const Weight block(rows, at);
#pragma GCC unroll 8
  for (int bundle = 0; bundle < kParts / Weight::kBundle; ++bundle) {
    __m512i raw[Weight::kRaws][8];
#pragma GCC unroll 8
    for (int i = 0; i < Weight::kRaws; ++i) {
      __m512i pairs[8];
      for (int row = 0; row < 8; ++row) {
        pairs[row] = Both(Weight::Raw(rows[row] + at, bundle, i),
                          Weight::Raw(rows[row + 8] + at, bundle, i));
      }
      Transpose(pairs, raw[i]);
    }
#pragma GCC unroll 8
    for (int i = bundle * Weight::kBundle; i < (bundle + 1) * Weight::kBundle; ++i) {
      Part part;
      for (int g = 0; g < 8; ++g) {
        __m512i group[Weight::kRaws];
        for (int k = 0; k < Weight::kRaws; ++k) group[k] = raw[k][g];
        part.groups[g] = Weight::Codes(group, i);
      }
      block.Scales(i, part.scales, &part.minimum);
      take(number * kParts + i, part);
    }
  }
}

// Prefetches what is read next: there are 16 streams, more than the processor prefetches by itself.
// Long rows are fetched a little ahead of the reads, short rows as the whole next panel.
struct Ahead {
  static constexpr std::int64_t kLongRow = 1900, kDistance = 576;  // bytes

  const char* first;  // first row
  std::int64_t stride;
  std::int64_t panel_bytes;

  Ahead(const WeightRows& weights, int panel, int panels)
      : first(weights.data + panel * kPanelRows * weights.stride),
        stride(weights.stride),
        panel_bytes(panels * kPanelRows * weights.stride) {}

  SENTIRIC_INLINE void Fetch(std::int64_t at, int bytes) const {
    if (stride < kLongRow) {
      FetchLines(first + panel_bytes + at * kPanelRows, bytes * kPanelRows);
      return;
    }
    const std::int64_t ahead = at + kDistance;
    const char* place = first + (ahead < stride ? ahead : ahead - stride + panel_bytes);
    for (int i = 0; i < kPanelRows; ++i) FetchLines(place + i * stride, bytes);
  }

  static SENTIRIC_INLINE void FetchLines(const char* at, int bytes) {
    for (int i = 0; i < bytes; i += 64) _mm_prefetch(at + i, _MM_HINT_T0);
  }
};

template <class Weight, class Rows>
void PackPanel(const WeightRows& weights, int panel, int panels, const Panels& out) {
  const Rows rows(weights, panel);
  const Ahead ahead(weights, panel, panels);
  const auto store = [&](std::int64_t place, const Part& part) __attribute__((always_inline)) {
    for (int g = 0; g < 8; ++g) {
      _mm512_store_si512(out.codes + ((place * 8 + g) * panels + panel) * kVectorBytes,
                         part.groups[g]);
    }
    for (int k = 0; k < Weight::kScales; ++k) {
      const std::int64_t scale = (place * Weight::kScales + k) * panels + panel;
      _mm512_store_ps(out.scales + scale * kPanelRows, part.scales[k]);
    }
    if constexpr (Weight::kMinimums) {
      _mm512_store_ps(out.minimums + (place * panels + panel) * kPanelRows, part.minimum);
    }
  };
  for (std::int64_t block = 0; block < weights.values / Weight::kValues; ++block) {
    ahead.Fetch(block * Weight::kBytes, Weight::kBytes);
    UnpackBlock<Weight>(rows, block, store);
  }
}

template <class Weight>
void PackAll(const WeightRows& weights, int panels, const Panels& out) {
  for (int panel = 0; panel < panels; ++panel) {
    if ((panel + 1) * kPanelRows <= weights.rows) {
      PackPanel<Weight, FullRows>(weights, panel, panels, out);
    } else {
      PackPanel<Weight, LastRows>(weights, panel, panels, out);
    }
  }
}

}  // namespace
}  // namespace sentiric::backend
