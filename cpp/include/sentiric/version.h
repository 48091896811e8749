// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>

namespace sentiric {

struct BuildInfo {
  std::string version;       // of this package
  std::string llama_commit;  // pinned llama.cpp
  std::string system_info;   // instruction sets and backends compiled in
  std::string cpu_kernels;   // matrix products on the CPU: "avx512-vnni" or "llama"
  bool supports_gpu = false;
};

BuildInfo GetBuildInfo();

}  // namespace sentiric
