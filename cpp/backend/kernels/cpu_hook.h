// SPDX-License-Identifier: AGPL-3.0-only
// Installs our matrix products in llama.cpp's CPU backend, through the mechanism of its own
// repacking and AMX code: a list of "extra buffer types" that the backend asks first about each
// operation.
#pragma once

#include <string>

struct ggml_tensor;

namespace sentiric::backend {

// Call it before the first model is loaded; later calls do nothing. On other processors, and with
// SENTIRIC_CPU_KERNELS=llama, llama.cpp's own products stay. Thread-safe.
void InstallCpuKernels();

// Whether our products are installed. They round the same for one row and for many.
bool HasCpuKernels();

// Whether our products support this weight tensor. False for stacks of experts and for types that
// we leave to llama.cpp.
bool CanMultiply(const ggml_tensor* weights);

// A callback of llama_context_params (cb_eval) for contexts whose products llama.cpp shall compute
// itself. It observes nothing.
bool LeaveToLlama(ggml_tensor* op, bool asks, void* unused);

// "avx512-vnni", or "llama" when llama.cpp's own are used.
std::string CpuKernelsName();

}  // namespace sentiric::backend
