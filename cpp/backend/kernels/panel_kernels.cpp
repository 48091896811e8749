// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/kernels/panel_kernels.h"

namespace sentiric::backend {

const PanelFormat& FormatOf(WeightType type) {
  static constexpr PanelFormat kFormats[] = {
      {32, 128, false},  // Q8_0: a signed byte, moved into the unsigned range
      {32, 8, false},    // Q4_0
      {32, 16, false},   // Q5_0
      {32, 128, false},  // IQ4_NL
      {32, 128, false},  // IQ4_XS
      {32, 0, true},     // Q4_K
      {32, 0, true},     // Q5_K
      {16, 32, false},   // Q6_K
  };
  return kFormats[static_cast<int>(type)];
}

const PanelKernels* FindPanelKernels() {
#ifdef SENTIRIC_AVX512_KERNELS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
      __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2")) {
    return &kAvx512Kernels;
  }
#endif
  return nullptr;
}

}  // namespace sentiric::backend
