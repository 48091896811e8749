// SPDX-License-Identifier: AGPL-3.0-only
// Unpacks the weight types of GGUF files (see ggml-common.h for their layouts), 16 rows at a time,
// with AVX-512. Included by avx512_kernels.cpp only.
//
// An object unpacks one block of 16 rows: kBytes of each row hold kValues values in parts of 32,
// and kBundle parts share the same kRaws times 32 bytes. Raw() reads these bytes of one row; after
// they are transposed, Codes() extracts the unsigned codes of one part. Scales() returns the
// kScales scales of a part and, with kMinimums, its minimum.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "backend/kernels/panel_kernels.h"

namespace sentiric::backend {
namespace {

// A call inside these loops would spill all registers.
#define SENTIRIC_INLINE inline __attribute__((always_inline))

// 16 consecutive rows. Addresses are computed, because there are not enough registers for 16.
struct FullRows {
  const char* data;
  std::int64_t stride;

  FullRows(const WeightRows& weights, int panel)
      : data(weights.data + panel * kPanelRows * weights.stride), stride(weights.stride) {}
  const char* operator[](int row) const { return data + row * stride; }
};

// The last rows of a matrix, padded to 16 by repeating the last one.
struct LastRows {
  const char* rows[kPanelRows];

  LastRows(const WeightRows& weights, int panel) {
    for (int i = 0; i < kPanelRows; ++i) {
      const std::int64_t row = panel * kPanelRows + i;
      rows[i] = weights.data + (row < weights.rows ? row : weights.rows - 1) * weights.stride;
    }
  }
  const char* operator[](int row) const { return rows[row]; }
};

template <class Number>
Number Read(const char* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

SENTIRIC_INLINE __m128i Load16(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

SENTIRIC_INLINE __m256i Load32(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

// One half-precision number of each row. Assembled in registers: reading a vector whose parts were
// just stored would stall.
template <class Rows>
SENTIRIC_INLINE __m512 Halves(const Rows& rows, std::int64_t at) {
  const auto bits = [&](int row) { return Read<short>(rows[row] + at); };
  return _mm512_cvtph_ps(_mm256_set_epi16(bits(15), bits(14), bits(13), bits(12), bits(11),
                                          bits(10), bits(9), bits(8), bits(7), bits(6), bits(5),
                                          bits(4), bits(3), bits(2), bits(1), bits(0)));
}

template <class Rows>
SENTIRIC_INLINE __m512i Words(const Rows& rows, std::int64_t at) {
  const auto bits = [&](int row) { return Read<int>(rows[row] + at); };
  return _mm512_set_epi32(bits(15), bits(14), bits(13), bits(12), bits(11), bits(10), bits(9),
                          bits(8), bits(7), bits(6), bits(5), bits(4), bits(3), bits(2), bits(1),
                          bits(0));
}

// Byte `index` of each word.
SENTIRIC_INLINE __m512i UnsignedByte(__m512i words, int index) {
  return _mm512_and_si512(_mm512_srl_epi32(words, _mm_cvtsi32_si128(8 * index)),
                          _mm512_set1_epi32(255));
}

SENTIRIC_INLINE __m512i SignedByte(__m512i words, int index) {
  return _mm512_srai_epi32(_mm512_sll_epi32(words, _mm_cvtsi32_si128(24 - 8 * index)), 24);
}

// 16 bytes -> 32 values of four bits: all low halves, then all high halves.
SENTIRIC_INLINE __m256i LowThenHigh(const char* at) {
  const __m128i both = Load16(at);
  return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(both, 4), both), _mm256_set1_epi8(15));
}

// Bits [first, first + count) of each byte.
SENTIRIC_INLINE __m512i Bits(__m512i bytes, int first, int count) {
  return _mm512_and_si512(_mm512_srli_epi16(bytes, static_cast<unsigned>(first)),
                          _mm512_set1_epi8(static_cast<char>((1 << count) - 1)));
}

// The values that the four-bit indices of the IQ4 types stand for, as unsigned bytes around 128.
SENTIRIC_INLINE __m256i NonLinear(__m256i indices) {
  const __m128i values =
      _mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, static_cast<char>(129), static_cast<char>(141),
                    static_cast<char>(153), static_cast<char>(166), static_cast<char>(181),
                    static_cast<char>(197), static_cast<char>(217), static_cast<char>(241));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), indices);
}

// Blocks of 32 values that begin with their scale.
struct BlockWithScale {
  static constexpr int kValues = 32, kScales = 1, kBundle = 1, kRaws = 1;
  static constexpr bool kMinimums = false;
  __m512 scale;

  template <class Rows>
  SENTIRIC_INLINE BlockWithScale(const Rows& rows, std::int64_t at) : scale(Halves(rows, at)) {}
  SENTIRIC_INLINE void Scales(int, __m512 (&scales)[2], __m512*) const { scales[0] = scale; }
  static SENTIRIC_INLINE __m512i Codes(const __m512i (&raw)[1], int) { return raw[0]; }
};

struct BlockQ80 : BlockWithScale {
  template <class Rows>
  SENTIRIC_INLINE BlockQ80(const Rows& rows, std::int64_t at) : BlockWithScale(rows, at) {}
  static constexpr int kBytes = 34;
  static SENTIRIC_INLINE __m256i Raw(const char* block, int, int) { return Load32(block + 2); }
  static SENTIRIC_INLINE __m512i Codes(const __m512i (&raw)[1], int) {
    return _mm512_xor_si512(raw[0], _mm512_set1_epi8(static_cast<char>(0x80)));
  }
};

struct BlockQ40 : BlockWithScale {
  template <class Rows>
  SENTIRIC_INLINE BlockQ40(const Rows& rows, std::int64_t at) : BlockWithScale(rows, at) {}
  static constexpr int kBytes = 18;
  static SENTIRIC_INLINE __m256i Raw(const char* block, int, int) { return LowThenHigh(block + 2); }
};

struct BlockQ50 : BlockWithScale {
  template <class Rows>
  SENTIRIC_INLINE BlockQ50(const Rows& rows, std::int64_t at) : BlockWithScale(rows, at) {}
  static constexpr int kBytes = 22;
  static SENTIRIC_INLINE __m256i Raw(const char* block, int, int) {
    const __m256i fifth = _mm256_maskz_set1_epi8(Read<__mmask32>(block + 2), 16);
    return _mm256_or_si256(LowThenHigh(block + 6), fifth);
  }
};

struct BlockIq4Nl : BlockWithScale {
  template <class Rows>
  SENTIRIC_INLINE BlockIq4Nl(const Rows& rows, std::int64_t at) : BlockWithScale(rows, at) {}
  static constexpr int kBytes = 18;
  static SENTIRIC_INLINE __m256i Raw(const char* block, int, int) {
    return NonLinear(LowThenHigh(block + 2));
  }
};

struct BlockIq4Xs {
  static constexpr int kValues = 256, kBytes = 136, kScales = 1, kBundle = 1, kRaws = 1;
  static constexpr bool kMinimums = false;
  __m512 scale;
  __m512i low;   // four bits for each part
  __m512i high;  // two more for each part, behind the scale

  template <class Rows>
  SENTIRIC_INLINE BlockIq4Xs(const Rows& rows, std::int64_t at)
      : scale(Halves(rows, at)), low(Words(rows, at + 4)), high(Words(rows, at)) {}

  static SENTIRIC_INLINE __m256i Raw(const char* block, int part, int) {
    return NonLinear(LowThenHigh(block + 8 + 16 * part));
  }
  static SENTIRIC_INLINE __m512i Codes(const __m512i (&raw)[1], int) { return raw[0]; }
  SENTIRIC_INLINE void Scales(int part, __m512 (&scales)[2], __m512*) const {
    const __m512i four =
        _mm512_and_si512(_mm512_srl_epi32(low, _mm_cvtsi32_si128(4 * part)), _mm512_set1_epi32(15));
    const __m512i two = _mm512_and_si512(_mm512_srl_epi32(high, _mm_cvtsi32_si128(16 + 2 * part)),
                                         _mm512_set1_epi32(3));
    const __m512i six = _mm512_or_si512(four, _mm512_slli_epi32(two, 4));
    scales[0] =
        _mm512_mul_ps(scale, _mm512_cvtepi32_ps(_mm512_sub_epi32(six, _mm512_set1_epi32(32))));
  }
};

// Eight scales and eight minimums of six bits, in twelve bytes behind their two common factors.
struct BlockWithMinimums {
  static constexpr int kValues = 256, kScales = 1, kBundle = 2;
  static constexpr bool kMinimums = true;
  __m512 scale;
  __m512 minimum;
  __m512i scales_of[2];  // a byte for each of four parts
  __m512i minimums_of[2];

  template <class Rows>
  SENTIRIC_INLINE BlockWithMinimums(const Rows& rows, std::int64_t at)
      : scale(Halves(rows, at)), minimum(Halves(rows, at + 2)) {
    const __m512i first = Words(rows, at + 4);
    const __m512i second = Words(rows, at + 8);
    const __m512i third = Words(rows, at + 12);
    const __m512i six_bits = _mm512_set1_epi32(0x3f3f3f3f);
    const __m512i four_bits = _mm512_set1_epi32(0x0f0f0f0f);
    const __m512i two_bits = _mm512_set1_epi32(0x30303030);
    scales_of[0] = _mm512_and_si512(first, six_bits);
    minimums_of[0] = _mm512_and_si512(second, six_bits);
    scales_of[1] = _mm512_or_si512(_mm512_and_si512(third, four_bits),
                                   _mm512_and_si512(_mm512_srli_epi32(first, 2), two_bits));
    minimums_of[1] = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(third, 4), four_bits),
                                     _mm512_and_si512(_mm512_srli_epi32(second, 2), two_bits));
  }

  SENTIRIC_INLINE void Scales(int part, __m512 (&scales)[2], __m512* out) const {
    const __m512i s = UnsignedByte(scales_of[part / 4], part % 4);
    const __m512i m = UnsignedByte(minimums_of[part / 4], part % 4);
    scales[0] = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(s));
    *out = _mm512_mul_ps(minimum, _mm512_cvtepi32_ps(m));
  }
};

struct BlockQ4K : BlockWithMinimums {
  template <class Rows>
  SENTIRIC_INLINE BlockQ4K(const Rows& rows, std::int64_t at) : BlockWithMinimums(rows, at) {}
  static constexpr int kBytes = 144, kRaws = 1;
  static SENTIRIC_INLINE __m256i Raw(const char* block, int bundle, int) {
    return Load32(block + 16 + 32 * bundle);
  }
  static SENTIRIC_INLINE __m512i Codes(const __m512i (&raw)[1], int part) {
    return Bits(raw[0], part % 2 * 4, 4);
  }
};

struct BlockQ5K : BlockWithMinimums {
  template <class Rows>
  SENTIRIC_INLINE BlockQ5K(const Rows& rows, std::int64_t at) : BlockWithMinimums(rows, at) {}
  static constexpr int kBytes = 176, kRaws = 2;
  static SENTIRIC_INLINE __m256i Raw(const char* block, int bundle, int raw) {
    return Load32(raw == 0 ? block + 48 + 32 * bundle : block + 16);
  }
  static SENTIRIC_INLINE __m512i Codes(const __m512i (&raw)[2], int part) {
    return _mm512_or_si512(Bits(raw[0], part % 2 * 4, 4),
                           _mm512_slli_epi16(Bits(raw[1], part, 1), 4));
  }
};

struct BlockQ6K {
  static constexpr int kValues = 256, kBytes = 210, kScales = 2, kBundle = 4, kRaws = 3;
  static constexpr bool kMinimums = false;
  __m512 scale;
  __m512i scales_of[4];  // a byte for each 16 values

  template <class Rows>
  SENTIRIC_INLINE BlockQ6K(const Rows& rows, std::int64_t at) : scale(Halves(rows, at + 208)) {
    for (int i = 0; i < 4; ++i) scales_of[i] = Words(rows, at + 192 + 4 * i);
  }

  static SENTIRIC_INLINE __m256i Raw(const char* block, int bundle, int raw) {
    return Load32(raw < 2 ? block + 64 * bundle + 32 * raw : block + 128 + 32 * bundle);
  }
  static SENTIRIC_INLINE __m512i Codes(const __m512i (&raw)[3], int part) {
    const int quarter = part % 4;
    return _mm512_or_si512(Bits(raw[quarter % 2], quarter / 2 * 4, 4),
                           _mm512_slli_epi16(Bits(raw[2], 2 * quarter, 2), 4));
  }
  SENTIRIC_INLINE void Scales(int part, __m512 (&scales)[2], __m512*) const {
    for (int i = 0; i < 2; ++i) {
      const __m512i of = SignedByte(scales_of[part / 2], part % 2 * 2 + i);
      scales[i] = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(of));
    }
  }
};

}  // namespace
}  // namespace sentiric::backend
