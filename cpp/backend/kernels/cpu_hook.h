// SPDX-License-Identifier: AGPL-3.0-only
// Puts our matrix products into llama.cpp's CPU backend, through the door that its own repacking
// and AMX code uses: a list of "extra buffer types" that is asked about each operation of a graph
// first.
#pragma once

#include <string>

namespace sentiric::backend {

// Once for the process, before the first model is loaded; later calls do nothing. Without a
// processor that can run them, or with SENTIRIC_CPU_KERNELS=llama, llama.cpp's own products stay.
// Thread-safe.
void InstallCpuKernels();

// Whether products round alike for one row and for many.
bool HasCpuKernels();

// "avx512-vnni", or "llama" when llama.cpp's own are used.
std::string CpuKernelsName();

}  // namespace sentiric::backend
