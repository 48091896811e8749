// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/kernels/quant_product.h"

#include <algorithm>

namespace sentiric::backend {
namespace {

// With so many activation rows, two panels at once are faster; the sums of a tile stay in registers
// either way.
constexpr std::int64_t kRowsForTwoPanels = 16;

int PanelsFor(std::int64_t rows) { return rows >= kRowsForTwoPanels ? 2 : 1; }

// A thread takes adjacent panels, because packing one prefetches the next. Enough chunks remain to
// make up for threads that are held up.
std::int64_t StepsInARow(std::int64_t steps, int threads) {
  return std::clamp<std::int64_t>(steps / (std::int64_t{4} * threads), 1, 8);
}

// Cuts the workspace into aligned pieces; with a null workspace it only counts.
class Cutter {
 public:
  explicit Cutter(char* begin) : begin_(begin) {
    const auto address = reinterpret_cast<std::uintptr_t>(begin);
    at_ = begin == nullptr ? 0 : (kVectorBytes - address % kVectorBytes) % kVectorBytes;
  }

  template <class T>
  T* Take(std::size_t bytes) {
    char* piece = begin_ == nullptr ? nullptr : begin_ + at_;
    at_ += (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
    return reinterpret_cast<T*>(piece);
  }

  std::size_t used() const { return at_; }

 private:
  char* begin_;
  std::size_t at_;
};

Activations TakeActivations(const PanelFormat& format, std::int64_t values, std::int64_t rows,
                            Cutter* cut) {
  const auto all = static_cast<std::size_t>(values * rows);
  Activations out = {};
  out.values = values;
  out.codes = cut->Take<std::int8_t>(all);
  out.scales = cut->Take<float>(all / kScaled * sizeof(float));
  out.offsets = cut->Take<std::int32_t>(all / format.values_per_scale * sizeof(std::int32_t));
  if (format.has_minimums) out.sums = cut->Take<float>(all / kScaled * sizeof(float));
  return out;
}

Panels TakePanels(const PanelFormat& format, std::int64_t values, int panels, Cutter* cut) {
  Panels out = {};
  out.codes = cut->Take<std::uint8_t>(Panels::CodeBytes(values, panels));
  out.scales = cut->Take<float>(Panels::ScaleBytes(values, format.values_per_scale, panels));
  if (format.has_minimums)
    out.minimums = cut->Take<float>(Panels::ScaleBytes(values, kScaled, panels));
  return out;
}

// Each thread quantises a part of every row, so that all threads have work even for one row.
void QuantizeShare(const PanelKernels& kernels, const QuantProduct& product,
                   const PanelFormat& format, const Activations& out, const Team& team) {
  const std::int64_t blocks = out.values / kScaled;
  const std::int64_t first = blocks * team.index() / team.size();
  const std::int64_t last = blocks * (team.index() + 1) / team.size();
  for (std::int64_t row = 0; row < product.activations.size(); ++row) {
    const auto* values = reinterpret_cast<const float*>(product.activations.row(row));
    kernels.quantize(values, row, first, last, format, out);
  }
}

void MultiplyFrom(const PanelKernels& kernels, const QuantProduct& product,
                  const PanelFormat& format, const Activations& activations, std::int64_t first,
                  int panels, const Panels& space) {
  WeightRows weights = product.weights;
  weights.data += first * weights.stride;
  weights.rows -= first;
  const std::int64_t rows = product.activations.size();
  if (rows <= kFewRows) {
    return kernels.multiply_few(product.type, weights, activations, rows, product.out + first,
                                product.weights.rows);
  }
  const int present = weights.rows > kPanelRows ? panels : 1;
  const auto lanes = static_cast<int>(std::min<std::int64_t>(weights.rows, present * kPanelRows));
  kernels.pack(product.type, weights, present, space);
  kernels.multiply(format, space, present, lanes, activations, 0, rows, product.out + first,
                   product.weights.rows);
}

}  // namespace

std::size_t QuantWorkspace(WeightType type, std::int64_t values, std::int64_t rows, int threads) {
  const PanelFormat& format = FormatOf(type);
  Cutter cut(nullptr);
  TakeActivations(format, values, rows, &cut);
  for (int i = 0; i < threads; ++i) TakePanels(format, values, PanelsFor(rows), &cut);
  return cut.used() + kVectorBytes;  // the workspace may be unaligned
}

void RunQuantProduct(const PanelKernels& kernels, const QuantProduct& product, char* workspace,
                     Team* team) {
  const PanelFormat& format = FormatOf(product.type);
  const std::int64_t rows = product.activations.size();
  const int panels = PanelsFor(rows);
  Cutter cut(workspace);
  const Activations activations = TakeActivations(format, product.weights.values, rows, &cut);
  Panels space = {};
  for (int i = 0; i <= team->index(); ++i) {
    space = TakePanels(format, product.weights.values, panels, &cut);
  }
  QuantizeShare(kernels, product, format, activations, *team);
  const std::int64_t step = static_cast<std::int64_t>(panels) * kPanelRows;
  const std::int64_t steps = (product.weights.rows + step - 1) / step;
  const std::int64_t run = StepsInARow(steps, team->size());
  ShareChunks(team, (steps + run - 1) / run, [&](std::int64_t chunk) {
    for (std::int64_t i = chunk * run; i < std::min((chunk + 1) * run, steps); ++i) {
      MultiplyFrom(kernels, product, format, activations, i * step, panels, space);
    }
  });
}

}  // namespace sentiric::backend
