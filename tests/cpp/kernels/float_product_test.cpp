// SPDX-License-Identifier: AGPL-3.0-only
// Products of floats as attention uses them: heads that share a matrix, permuted rows, growing
// rows.
#include "backend/kernels/float_product.h"

#include <cmath>

#include "check.h"
#include "ggml.h"
#include "numbers.h"
#include "teams.h"

using namespace sentiric::backend;
using namespace sentiric::testing;

namespace {

constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));

// Weights [matrices][weight_rows][values]; activations [rows][matrices * repeat][values], read as
// ggml_permute leaves them: dimension 1 is the row, dimension 2 the head.
struct Case {
  FloatType type;
  std::int64_t values;
  std::int64_t weight_rows;
  std::int64_t matrices;
  std::int64_t repeat;
  Floats weights = RandomFloats(static_cast<std::size_t>(matrices * weight_rows * values), 1);

  std::int64_t heads() const { return matrices * repeat; }

  std::vector<char> FileWeights() {
    std::vector<char> file(weights.size() * (type == FloatType::kF32 ? 4 : 2));
    if (type == FloatType::kF32) {
      std::memcpy(file.data(), weights.data(), file.size());
      return file;
    }
    auto* halves = reinterpret_cast<ggml_fp16_t*>(file.data());
    ggml_fp32_to_fp16_row(weights.data(), halves, static_cast<std::int64_t>(weights.size()));
    ggml_fp16_to_fp32_row(halves, weights.data(), static_cast<std::int64_t>(weights.size()));
    return file;
  }

  // [heads][rows][weight_rows]
  Floats Run(const Floats& activations, int threads) {
    const std::vector<char> file = FileWeights();
    const std::int64_t bytes = type == FloatType::kF32 ? 4 : 2;
    const std::int64_t rows = static_cast<std::int64_t>(activations.size()) / values / heads();
    Floats out(static_cast<std::size_t>(heads() * rows * weight_rows));
    FloatProduct product = {};
    product.type = type;
    product.values = values;
    product.weights = {
        file.data(), {weight_rows, matrices, 1}, {values * bytes, weight_rows * values * bytes, 0}};
    product.activations = {reinterpret_cast<const char*>(activations.data()),
                           {rows, heads(), 1},
                           {heads() * values * kFloat, values * kFloat, 0}};
    product.out = {reinterpret_cast<char*>(out.data()),
                   {rows, heads(), 1},
                   {weight_rows * kFloat, rows * weight_rows * kFloat, 0}};
    std::vector<char> workspace(FloatWorkspace(threads));
    OnThreads(threads, [&](Team* team) {
      RunFloatProduct(*FindPanelKernels(), product, workspace.data(), team);
    });
    return out;
  }

  double Error(const Floats& activations, const Floats& out) const {
    const std::int64_t rows = static_cast<std::int64_t>(activations.size()) / values / heads();
    double worst = 0;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(out.size()); ++i) {
      const std::int64_t head = i / weight_rows / rows;
      const float* a = &activations[((i / weight_rows % rows) * heads() + head) * values];
      const float* w = &weights[(head / repeat * weight_rows + i % weight_rows) * values];
      double sum = 0;
      double magnitude = 0;
      for (std::int64_t k = 0; k < values; ++k) {
        sum += static_cast<double>(w[k]) * static_cast<double>(a[k]);
        magnitude += std::fabs(static_cast<double>(w[k]) * static_cast<double>(a[k]));
      }
      worst = std::max(worst, std::fabs(sum - static_cast<double>(out[i])) / magnitude);
    }
    return worst;
  }

  Floats Activations(std::int64_t rows) const {
    return RandomFloats(static_cast<std::size_t>(rows * heads() * values), 2);
  }
};

}  // namespace

TEST(FloatProduct, IsWhatDoublePrecisionSays) {
  if (FindPanelKernels() == nullptr) return;
  for (const FloatType type : {FloatType::kF32, FloatType::kF16}) {
    for (const std::int64_t values : {1, 15, 64, 100, 250, 256, 300, 1280}) {
      for (const std::int64_t weight_rows : {1, 5, 16, 40, 64}) {
        for (const std::int64_t rows : {1, 2, 30}) {
          Case made = {type, values, weight_rows, 2, 3};
          const Floats activations = made.Activations(rows);
          const Floats out = made.Run(activations, 2);
          EXPECT(made.Error(activations, out) < 2e-6);
        }
      }
    }
  }
}

TEST(FloatProduct, BitsDoNotDependOnTheOtherRowsOrTheThreads) {
  if (FindPanelKernels() == nullptr) return;
  for (const std::int64_t values : {64, 512}) {
    Case made = {FloatType::kF16, values, 80, 2, 7};
    const std::int64_t row_values = made.heads() * values;
    const Floats activations = made.Activations(33);
    const Floats together = made.Run(activations, 1);
    for (const int threads : {2, 5}) {
      EXPECT(SameBits(made.Run(activations, threads).data(), together.data(), together.size()));
    }
    for (const std::int64_t row : {0, 1, 17, 32}) {
      const Floats one(activations.begin() + row * row_values,
                       activations.begin() + (row + 1) * row_values);
      const Floats alone = made.Run(one, 2);
      for (std::int64_t head = 0; head < made.heads(); ++head) {
        EXPECT(SameBits(&alone[head * 80], &together[(head * 33 + row) * 80], 80));
      }
    }
  }
}

// Attention over a cache that has grown: cells that are not yet visible have weight zero.
TEST(FloatProduct, ZerosBehindALongRowChangeNothing) {
  if (FindPanelKernels() == nullptr) return;
  Case shorter = {FloatType::kF16, 256, 64, 1, 1};
  Case longer = {FloatType::kF16, 1024, 64, 1, 1};
  for (std::int64_t row = 0; row < 64; ++row) {
    std::copy_n(&shorter.weights[row * 256], 256, &longer.weights[row * 1024]);
  }
  const Floats activations = shorter.Activations(3);
  Floats padded(3 * 1024, 0.0F);
  for (int row = 0; row < 3; ++row) std::copy_n(&activations[row * 256], 256, &padded[row * 1024]);
  const Floats want = shorter.Run(activations, 2);
  EXPECT(SameBits(longer.Run(padded, 2).data(), want.data(), want.size()));
}
