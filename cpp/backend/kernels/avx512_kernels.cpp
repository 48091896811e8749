// SPDX-License-Identifier: AGPL-3.0-only
// Compiled for AVX-512 even if the rest of the build is not. So this file must not contain inline
// code that other files share: the linker might use this copy everywhere.
#include "backend/kernels/avx512_few_rows.h"
#include "backend/kernels/avx512_floats.h"
#include "backend/kernels/avx512_multiply.h"
#include "backend/kernels/avx512_pack.h"
#include "backend/kernels/panel_kernels.h"

namespace sentiric::backend {
namespace {

// Quantises 32 values and returns their scale.
float QuantizeBlock(const float* values, __m128i (&codes)[2]) {
  const __m512 low = _mm512_loadu_ps(values);
  const __m512 high = _mm512_loadu_ps(values + 16);
  const float largest =
      _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
  const __m512 inverse = _mm512_set1_ps(largest != 0.0F ? 127.0F / largest : 0.0F);
  codes[0] = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(low, inverse)));
  codes[1] = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(high, inverse)));
  return largest / 127.0F;
}

int SumOf(__m128i codes) { return _mm512_reduce_add_epi32(_mm512_cvtepi8_epi32(codes)); }

void Quantize(const float* values, std::int64_t row, std::int64_t first, std::int64_t last,
              const PanelFormat& format, const Activations& out) {
  const std::int64_t blocks = out.values / kScaled;
  const int halves = kScaled / format.values_per_scale;
  for (std::int64_t block = first; block < last; ++block) {
    __m128i codes[2];
    const float scale = QuantizeBlock(values + block * kScaled, codes);
    const int sums[2] = {SumOf(codes[0]), SumOf(codes[1])};
    const std::int64_t at = row * blocks + block;
    for (int i = 0; i < 2; ++i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out.codes + at * kScaled + i * 16), codes[i]);
    }
    out.scales[at] = scale;
    if (halves == 1) {
      out.offsets[at] = -format.zero_point * (sums[0] + sums[1]);
    } else {
      out.offsets[2 * at] = -format.zero_point * sums[0];
      out.offsets[2 * at + 1] = -format.zero_point * sums[1];
    }
    if (out.sums != nullptr) out.sums[at] = scale * static_cast<float>(sums[0] + sums[1]);
  }
}

// Passes a type as a value: use(TypeIs<...>()).
template <class Weight>
struct TypeIs {
  using Block = Weight;
};
template <class Use>
void WithType(WeightType type, const Use& use) {
  switch (type) {
    case WeightType::kQ8_0: return use(TypeIs<BlockQ80>());
    case WeightType::kQ4_0: return use(TypeIs<BlockQ40>());
    case WeightType::kQ5_0: return use(TypeIs<BlockQ50>());
    case WeightType::kIq4Nl: return use(TypeIs<BlockIq4Nl>());
    case WeightType::kIq4Xs: return use(TypeIs<BlockIq4Xs>());
    case WeightType::kQ4_K: return use(TypeIs<BlockQ4K>());
    case WeightType::kQ5_K: return use(TypeIs<BlockQ5K>());
    case WeightType::kQ6_K: return use(TypeIs<BlockQ6K>());
  }
}

void Pack(WeightType type, const WeightRows& weights, int panels, const Panels& out) {
  WithType(type, [&](auto is) { PackAll<typename decltype(is)::Block>(weights, panels, out); });
}

void MultiplyFewOf(WeightType type, const WeightRows& weights, const Activations& activations,
                   std::int64_t rows, float* out, std::int64_t out_stride) {
  WithType(type, [&](auto is) {
    MultiplyFewRows<typename decltype(is)::Block>(weights, activations, rows, out, out_stride);
  });
}

template <int kPanels>
void MultiplyPanels(const PanelFormat& format, const Panels& weights, int lanes,
                    const Activations& activations, std::int64_t first, std::int64_t last,
                    float* out, std::int64_t out_stride) {
  if (format.values_per_scale == 16) {
    MultiplyRows<kPanels, 16, false>(weights, lanes, activations, first, last, out, out_stride);
  } else if (format.has_minimums) {
    MultiplyRows<kPanels, 32, true>(weights, lanes, activations, first, last, out, out_stride);
  } else {
    MultiplyRows<kPanels, 32, false>(weights, lanes, activations, first, last, out, out_stride);
  }
}

void Multiply(const PanelFormat& format, const Panels& weights, int panels, int lanes,
              const Activations& activations, std::int64_t first, std::int64_t last, float* out,
              std::int64_t out_stride) {
  if (panels == 1) {
    MultiplyPanels<1>(format, weights, lanes, activations, first, last, out, out_stride);
  } else {
    MultiplyPanels<2>(format, weights, lanes, activations, first, last, out, out_stride);
  }
}

}  // namespace

const PanelKernels kAvx512Kernels = {"avx512-vnni", Quantize,   MultiplyFewOf,  Pack,
                                     Multiply,      PackFloats, MultiplyFloats, DotFloats};

}  // namespace sentiric::backend
