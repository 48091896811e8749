// SPDX-License-Identifier: AGPL-3.0-only
// Products of floating-point matrices on all threads: attention over F16 or F32 cells, and F16 or
// F32 weights. All activation rows that meet the same matrix are multiplied together, so with
// grouped attention a KV head is read once and not once for each of its query heads.
//
// An output element is a sum of fused multiply-adds. Their order depends only on the length of the
// row: sequential in short rows, 16 interleaved sums in long ones. So it has the same bits whatever
// else the call computes, and however many zeros follow in a long row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/kernels/panel_kernels.h"
#include "backend/kernels/team.h"
#include "backend/kernels/tensor_rows.h"

namespace sentiric::backend {

// Matrix (b, c) of `weights` (dimensions 1 and 2 of its rows) meets the activation rows (n, i, j)
// with i / repeat_b == b and j / repeat_c == c, as ggml_mul_mat broadcasts.
struct FloatProduct {
  FloatType type;
  ConstRows weights;
  ConstRows activations;  // floats
  MutableRows out;        // floats: row (n, i, j) holds one value for each weight row
  std::int64_t values;    // of a row

  std::int64_t matrices() const { return weights.counts[1] * weights.counts[2]; }
};

std::size_t FloatWorkspace(int threads);

// Each thread of the team calls it with the same arguments.
void RunFloatProduct(const PanelKernels& kernels, const FloatProduct& product, char* workspace,
                     Team* team);

}  // namespace sentiric::backend
