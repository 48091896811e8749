// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/kernels/cpu_hook.h"
#include "llama.h"
#include "sentiric/version.h"

namespace sentiric {

BuildInfo GetBuildInfo() {
  return {SENTIRIC_VERSION, SENTIRIC_LLAMA_COMMIT, llama_print_system_info(),
          backend::CpuKernelsName(), llama_supports_gpu_offload()};
}

}  // namespace sentiric
