// SPDX-License-Identifier: AGPL-3.0-only
// bench-quantize IN OUT TYPE: llama.cpp's own quantisation, for the K-quants that `gguf` cannot
// write.
#include <cstdio>
#include <map>
#include <string>

#include "llama.h"

namespace {

const std::map<std::string, llama_ftype> kTypes = {
    {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},     {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
    {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M}, {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},
};

}  // namespace

int main(int argc, char** argv) {
  const auto type = argc == 4 ? kTypes.find(argv[3]) : kTypes.end();
  if (type == kTypes.end()) {
    std::fprintf(stderr, "usage: bench-quantize IN OUT Q8_0|Q4_0|Q4_K_M|Q5_K_M|Q6_K\n");
    return 2;
  }
  llama_backend_init();
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = type->second;
  params.allow_requantize = true;
  const bool failed = llama_model_quantize(argv[1], argv[2], &params) != 0;
  llama_backend_free();
  return failed ? 1 : 0;
}
