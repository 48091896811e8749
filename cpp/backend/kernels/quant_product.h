// SPDX-License-Identifier: AGPL-3.0-only
// Quantised weights times activations on all threads: quantise the activations together, then take
// panels in turn.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/kernels/panel_kernels.h"
#include "backend/kernels/team.h"
#include "backend/kernels/tensor_rows.h"

namespace sentiric::backend {

// out[row * weights.rows + weight_row] = weights[weight_row] . activations[row]
struct QuantProduct {
  WeightType type;
  WeightRows weights;
  ConstRows activations;  // floats
  float* out;
};

// Bytes that RunQuantProduct needs in `workspace` for `threads` threads.
std::size_t QuantWorkspace(WeightType type, std::int64_t values, std::int64_t rows, int threads);

// Called by each thread of the team with the same arguments. Same bits for each output element
// whatever `rows` and the number of threads are.
void RunQuantProduct(const PanelKernels& kernels, const QuantProduct& product, char* workspace,
                     Team* team);

}  // namespace sentiric::backend
