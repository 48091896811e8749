// SPDX-License-Identifier: AGPL-3.0-only
// Weight rows into panels, with AVX-512. Included by avx512_kernels.cpp alone.
#pragma once

#include <immintrin.h>

#include <cstring>
#include <type_traits>

#include "backend/kernels/panel_kernels.h"

namespace sentiric::backend {
namespace {

// The blocks of llama.cpp's file types (ggml-common.h): `kBytes` for `kValues` values, in parts
// of 32. Codes() gives the unsigned codes of a part of one row, Scales() what belongs to it for all
// rows.
using Rows = const char* [kPanelRows];

inline float Half(const char* at) {
  std::uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return _cvtsh_ss(bits);
}

inline __m256i Load32(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

inline __m128i Load16(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

// Blocks that begin with their scale.
inline void LeadingHalves(const Rows& rows, std::int64_t at, float* scales) {
  std::uint16_t halves[kPanelRows];
  for (int i = 0; i < kPanelRows; ++i) std::memcpy(&halves[i], rows[i] + at, sizeof halves[i]);
  _mm512_storeu_ps(scales, _mm512_cvtph_ps(Load32(reinterpret_cast<const char*>(halves))));
}

struct BlockQ80 {
  static constexpr int kValues = 32, kBytes = 34;
  static __m256i Codes(const char* block, int) {
    return _mm256_xor_si256(Load32(block + 2), _mm256_set1_epi8(static_cast<char>(0x80)));
  }
  static void Scales(const Rows& rows, std::int64_t at, int, float* scales, float*) {
    LeadingHalves(rows, at, scales);
  }
};

struct BlockQ40 {
  static constexpr int kValues = 32, kBytes = 18;
  static __m256i Codes(const char* block, int) {
    const __m128i both = Load16(block + 2);
    const __m256i split = _mm256_set_m128i(_mm_srli_epi16(both, 4), both);
    return _mm256_and_si256(split, _mm256_set1_epi8(15));
  }
  static void Scales(const Rows& rows, std::int64_t at, int, float* scales, float*) {
    LeadingHalves(rows, at, scales);
  }
};

// Scale and minimum of part `part` in the twelve bytes that Q4_K and Q5_K pack them into.
inline void SixBitPair(const char* packed, int part, int* scale, int* minimum) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(packed);
  if (part < 4) {
    *scale = bytes[part] & 63;
    *minimum = bytes[part + 4] & 63;
  } else {
    *scale = (bytes[part + 4] & 15) | ((bytes[part - 4] >> 6) << 4);
    *minimum = (bytes[part + 4] >> 4) | ((bytes[part] >> 6) << 4);
  }
}

inline void SixBitScales(const Rows& rows, std::int64_t at, int part, float* scales,
                         float* minimums) {
  for (int i = 0; i < kPanelRows; ++i) {
    int scale, minimum;
    const char* block = rows[i] + at;
    SixBitPair(block + 4, part, &scale, &minimum);
    scales[i] = Half(block) * static_cast<float>(scale);
    minimums[i] = Half(block + 2) * static_cast<float>(minimum);
  }
}

// Four bits of each value: parts 2i and 2i + 1 share 32 bytes.
inline __m256i Nibbles(const char* at, int part) {
  const __m256i both = Load32(at + (part / 2) * 32);
  const __m256i low = part % 2 == 0 ? both : _mm256_srli_epi16(both, 4);
  return _mm256_and_si256(low, _mm256_set1_epi8(15));
}

struct BlockQ4K {
  static constexpr int kValues = 256, kBytes = 144;
  static __m256i Codes(const char* block, int part) { return Nibbles(block + 16, part); }
  static void Scales(const Rows& rows, std::int64_t at, int part, float* scales, float* minimums) {
    SixBitScales(rows, at, part, scales, minimums);
  }
};

struct BlockQ5K {
  static constexpr int kValues = 256, kBytes = 176;
  static __m256i Codes(const char* block, int part) {
    const __m128i shift = _mm_cvtsi32_si128(part);
    const __m256i bit =
        _mm256_and_si256(_mm256_srl_epi16(Load32(block + 16), shift), _mm256_set1_epi8(1));
    return _mm256_or_si256(Nibbles(block + 48, part), _mm256_slli_epi16(bit, 4));
  }
  static void Scales(const Rows& rows, std::int64_t at, int part, float* scales, float* minimums) {
    SixBitScales(rows, at, part, scales, minimums);
  }
};

struct BlockQ6K {
  static constexpr int kValues = 256, kBytes = 210;
  static __m256i Codes(const char* block, int part) {
    const int half = part / 4;
    const int quarter = part % 4;
    __m256i low = Load32(block + half * 64 + (quarter % 2) * 32);
    if (quarter >= 2) low = _mm256_srli_epi16(low, 4);
    const __m256i high =
        _mm256_srl_epi16(Load32(block + 128 + half * 32), _mm_cvtsi32_si128(2 * quarter));
    return _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi8(15)),
                           _mm256_slli_epi16(_mm256_and_si256(high, _mm256_set1_epi8(3)), 4));
  }
  static void Scales(const Rows& rows, std::int64_t at, int part, float* scales, float*) {
    for (int i = 0; i < kPanelRows; ++i) {
      const char* block = rows[i] + at;
      const auto* bytes = reinterpret_cast<const signed char*>(block + 192 + 2 * part);
      const float scale = Half(block + 208);
      scales[i] = scale * static_cast<float>(bytes[0]);
      scales[i + kPanelRows] = scale * static_cast<float>(bytes[1]);
    }
  }
};

inline __m512i Both(__m256i low, __m256i high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

// rows[i] holds 32 codes of row i and of row i + 8; groups[g] gets group g of all 16 rows.
inline void Transpose(const __m512i (&rows)[8], __m512i (&groups)[8]) {
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

// 32 values of 16 rows, as a panel holds them.
struct Part {
  __m512i groups[8];
  __m512 scales[2];  // the second one where 16 values share a scale
  __m512 minimum;
};

template <class Weight>
inline constexpr int kScalesOfPart = std::is_same_v<Weight, BlockQ6K> ? 2 : 1;
template <class Weight>
inline constexpr bool kHasMinimums =
    std::is_same_v<Weight, BlockQ4K> || std::is_same_v<Weight, BlockQ5K>;

template <class Weight>
inline Part Unpack(const Rows& rows, std::int64_t at, int part) {
  Part out;
  __m512i codes[8];
  for (int i = 0; i < 8; ++i) {
    codes[i] = Both(Weight::Codes(rows[i] + at, part), Weight::Codes(rows[i + 8] + at, part));
  }
  Transpose(codes, out.groups);
  float scales[2 * kPanelRows];
  float minimums[kPanelRows];
  Weight::Scales(rows, at, part, scales, minimums);
  for (int i = 0; i < kScalesOfPart<Weight>; ++i) {
    out.scales[i] = _mm512_loadu_ps(scales + i * kPanelRows);
  }
  if constexpr (kHasMinimums<Weight>) out.minimum = _mm512_loadu_ps(minimums);
  return out;
}

// The 16 rows of a panel and the bytes of the panel behind it, which are fetched meanwhile: the
// processor follows few streams by itself, and there are 16 here.
struct PanelRows {
  Rows rows;
  const char* ahead;

  PanelRows(const WeightRows& weights, int panel, int panels) {
    for (int i = 0; i < kPanelRows; ++i) {
      const std::int64_t row = panel * kPanelRows + i;
      rows[i] = weights.data + (row < weights.rows ? row : weights.rows - 1) * weights.stride;
    }
    ahead = weights.data + (panel + panels) * kPanelRows * weights.stride;
  }

  void Prefetch(std::int64_t block, int block_bytes) const {
    const char* at = ahead + block * block_bytes * kPanelRows;
    for (int i = 0; i < block_bytes * kPanelRows; i += 64) _mm_prefetch(at + i, _MM_HINT_T0);
  }
};

template <class Weight>
void PackPanel(const WeightRows& weights, int panel, int panels, const Panels& out) {
  constexpr int kParts = Weight::kValues / 32;
  const PanelRows source(weights, panel, panels);
  for (std::int64_t block = 0; block < weights.values / Weight::kValues; ++block) {
    source.Prefetch(block, Weight::kBytes);
    for (int i = 0; i < kParts; ++i) {
      const Part part = Unpack<Weight>(source.rows, block * Weight::kBytes, i);
      const std::int64_t at = block * kParts + i;
      for (int g = 0; g < 8; ++g) {
        _mm512_store_si512(out.codes + ((at * 8 + g) * panels + panel) * kVectorBytes,
                           part.groups[g]);
      }
      for (int k = 0; k < kScalesOfPart<Weight>; ++k) {
        const std::int64_t scale = (at * kScalesOfPart<Weight> + k) * panels + panel;
        _mm512_store_ps(out.scales + scale * kPanelRows, part.scales[k]);
      }
      if constexpr (kHasMinimums<Weight>) {
        _mm512_store_ps(out.minimums + (at * panels + panel) * kPanelRows, part.minimum);
      }
    }
  }
}

template <class Weight>
void PackAll(const WeightRows& weights, int panels, const Panels& out) {
  for (int panel = 0; panel < panels; ++panel) PackPanel<Weight>(weights, panel, panels, out);
}

}  // namespace
}  // namespace sentiric::backend
