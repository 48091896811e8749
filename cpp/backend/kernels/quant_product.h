// SPDX-License-Identifier: AGPL-3.0-only
// Quantised weights times activations on all threads: quantises the activations together, then
// shares out the panels.
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

// Each thread of the team calls it with the same arguments. The bits of an output element do not
// depend on the number of rows or threads.
void RunQuantProduct(const PanelKernels& kernels, const QuantProduct& product, char* workspace,
                     Team* team);

}  // namespace sentiric::backend
