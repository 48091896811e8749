// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/kernels/float_product.h"

#include <algorithm>

namespace sentiric::backend {
namespace {

// Values of a row that are unpacked at once: two panels of them fill half of an L1 cache.
constexpr std::int64_t kStrip = 192;
constexpr std::int64_t kMostRows = 64;  // rows whose addresses are computed at once
// For rows this long, folding 16 sums costs less than transposing. Must not depend on the number of
// rows.
constexpr std::int64_t kLongRow = 256;
// So many activation rows of 1 000 values fill a tenth of an L2 cache; so do as many weight rows.
constexpr std::int64_t kDotRows = 24;
constexpr std::int64_t kDotWeights = 16;

// A matrix and the activation rows that it is multiplied with.
struct Meeting {
  const FloatProduct& product;
  std::int64_t b;
  std::int64_t c;
  std::int64_t repeat_b;
  std::int64_t repeat_c;

  Meeting(const FloatProduct& all, std::int64_t matrix)
      : product(all),
        b(matrix % all.weights.counts[1]),
        c(matrix / all.weights.counts[1]),
        repeat_b(all.activations.counts[1] / all.weights.counts[1]),
        repeat_c(all.activations.counts[2] / all.weights.counts[2]) {}

  std::int64_t rows() const { return product.activations.counts[0] * repeat_b * repeat_c; }

  // The addresses of rows [first, first + count), in the order n, i, j.
  template <class Byte, class Value>
  void Find(const TensorRows<Byte>& in, std::int64_t first, int count, Value** found) const {
    std::int64_t n = first % in.counts[0];
    std::int64_t i = first / in.counts[0] % repeat_b;
    std::int64_t j = first / in.counts[0] / repeat_b;
    Byte* at = in.at(n, b * repeat_b + i, c * repeat_c + j);
    for (int k = 0; k < count; ++k, at += in.strides[0]) {
      found[k] = reinterpret_cast<Value*>(at);
      if (++n < in.counts[0]) continue;
      n = 0;
      if (++i == repeat_b) i = 0, ++j;
      at = in.at(0, b * repeat_b + i, c * repeat_c + j) - in.strides[0];
    }
  }
};

// Panels that a thread takes at once: as many as fit in registers, unless threads would be idle.
int PanelsFor(const FloatProduct& product, int threads) {
  const std::int64_t all =
      (product.weights.counts[0] + kPanelRows - 1) / kPanelRows * product.matrices();
  return all >= std::int64_t{4} * kFloatPanels * threads ? kFloatPanels : 1;
}

// Addresses of some rows of a meeting, offset to a value and a weight row.
struct Found {
  const float* activations[kMostRows];
  float* out[kMostRows];
  int rows;

  Found(const Meeting& meeting, std::int64_t first, std::int64_t last, std::int64_t value,
        std::int64_t weight_row)
      : rows(static_cast<int>(std::min(kMostRows, last - first))) {
    meeting.Find(meeting.product.activations, first, rows, activations);
    meeting.Find(meeting.product.out, first, rows, out);
    for (int i = 0; i < rows; ++i) {
      activations[i] += value;
      out[i] += weight_row;
    }
  }
};

WeightRows WeightsOf(const Meeting& meeting, std::int64_t first, std::int64_t last) {
  const FloatProduct& product = meeting.product;
  return {product.weights.at(first, meeting.b, meeting.c), product.weights.strides[0], last - first,
          product.values};
}

void MultiplyPanels(const PanelKernels& kernels, const Meeting& meeting, std::int64_t first_weight,
                    int panels, float* space) {
  const FloatProduct& product = meeting.product;
  const WeightRows weights = WeightsOf(meeting, first_weight, product.weights.counts[0]);
  FloatTile tile = {};
  tile.weights = space;
  tile.panels = static_cast<int>(
      std::min<std::int64_t>(panels, (weights.rows + kPanelRows - 1) / kPanelRows));
  tile.lanes = static_cast<int>(std::min<std::int64_t>(weights.rows, tile.panels * kPanelRows));
  for (tile.first_value = 0; tile.first_value < product.values; tile.first_value += kStrip) {
    tile.values = std::min(kStrip, product.values - tile.first_value);
    kernels.pack_floats(product.type, weights, tile);
    for (std::int64_t row = 0; row < meeting.rows(); row += kMostRows) {
      const Found found(meeting, row, meeting.rows(), tile.first_value, first_weight);
      tile.rows = found.rows;
      kernels.multiply_floats(tile, found.activations, found.out);
    }
  }
}

// Short rows: weights are transposed once and stay in the L1 cache for all activation rows.
void RunPanels(const PanelKernels& kernels, const FloatProduct& product, float* space, Team* team) {
  const int panels = PanelsFor(product, team->size());
  const std::int64_t step = static_cast<std::int64_t>(panels) * kPanelRows;
  const std::int64_t parts = (product.weights.counts[0] + step - 1) / step;
  ShareChunks(team, parts * product.matrices(), [&](std::int64_t chunk) {
    MultiplyPanels(kernels, Meeting(product, chunk / parts), chunk % parts * step, panels, space);
  });
}

// Long rows: some activations stay in the cache for all weights, or the other way round.
void RunDots(const PanelKernels& kernels, const FloatProduct& product, Team* team) {
  const std::int64_t rows = Meeting(product, 0).rows();
  const std::int64_t all_weights = product.weights.counts[0];
  const std::int64_t row_step = rows > kMostRows ? kDotRows : rows;
  const std::int64_t weight_step = rows > kMostRows ? all_weights : kDotWeights;
  const std::int64_t row_parts = (rows + row_step - 1) / row_step;
  const std::int64_t parts = row_parts * ((all_weights + weight_step - 1) / weight_step);
  ShareChunks(team, parts * product.matrices(), [&](std::int64_t chunk) {
    const Meeting meeting(product, chunk / parts);
    const std::int64_t weight = chunk % parts / row_parts * weight_step;
    const std::int64_t row = chunk % parts % row_parts * row_step;
    const Found found(meeting, row, std::min(row + row_step, rows), 0, weight);
    kernels.dot_floats(product.type,
                       WeightsOf(meeting, weight, std::min(weight + weight_step, all_weights)),
                       found.activations, found.rows, found.out);
  });
}

constexpr std::size_t kSpaceBytes =
    static_cast<std::size_t>(kStrip) * kFloatPanels * kPanelRows * sizeof(float);

}  // namespace

std::size_t FloatWorkspace(int threads) {
  return static_cast<std::size_t>(threads) * kSpaceBytes + kVectorBytes;
}

void RunFloatProduct(const PanelKernels& kernels, const FloatProduct& product, char* workspace,
                     Team* team) {
  const auto address = reinterpret_cast<std::uintptr_t>(workspace);
  char* aligned = workspace + (kVectorBytes - address % kVectorBytes) % kVectorBytes;
  auto* space =
      reinterpret_cast<float*>(aligned + static_cast<std::size_t>(team->index()) * kSpaceBytes);
  if (product.values < kLongRow) {
    RunPanels(kernels, product, space, team);
  } else {
    RunDots(kernels, product, team);
  }
}

}  // namespace sentiric::backend
