// SPDX-License-Identifier: AGPL-3.0-only
// Puts our matrix products into llama.cpp's CPU backend, through the door that its own repacking
// and AMX code uses: a list of "extra buffer types" that is asked about each operation of a graph
// first.
#pragma once

#include <string>

struct ggml_tensor;

namespace sentiric::backend {

// Once for the process, before the first model is loaded; later calls do nothing. Without a
// processor that can run them, or with SENTIRIC_CPU_KERNELS=llama, llama.cpp's own products stay.
// Thread-safe.
void InstallCpuKernels();

// Whether our products are there: they round alike for one row and for many.
bool HasCpuKernels();

// Whether they multiply with this tensor of a model, if it is a matrix at all: neither a type that
// is llama.cpp's nor a stack of experts.
bool CanMultiply(const ggml_tensor* weights);

// "avx512-vnni", or "llama" when llama.cpp's own are used.
std::string CpuKernelsName();

}  // namespace sentiric::backend
