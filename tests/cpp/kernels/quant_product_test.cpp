// SPDX-License-Identifier: AGPL-3.0-only
// Quantised products, compared with double precision and with themselves among other rows.
#include "backend/kernels/quant_product.h"

#include <cmath>

#include "check.h"
#include "ggml.h"
#include "numbers.h"
#include "teams.h"

using namespace sentiric::backend;
using namespace sentiric::testing;

namespace {

struct Kind {
  WeightType type;
  ggml_type file_type;
};
constexpr Kind kKinds[] = {
    {WeightType::kQ8_0, GGML_TYPE_Q8_0},    {WeightType::kQ4_0, GGML_TYPE_Q4_0},
    {WeightType::kQ5_0, GGML_TYPE_Q5_0},    {WeightType::kIq4Nl, GGML_TYPE_IQ4_NL},
    {WeightType::kIq4Xs, GGML_TYPE_IQ4_XS}, {WeightType::kQ4_K, GGML_TYPE_Q4_K},
    {WeightType::kQ5_K, GGML_TYPE_Q5_K},    {WeightType::kQ6_K, GGML_TYPE_Q6_K}};

struct Case {
  Kind kind;
  std::int64_t weight_rows;
  std::int64_t values;
  std::vector<char> weights;  // as in a file
  Floats exact_weights;       // the same as floats

  Case(Kind of, std::int64_t rows, std::int64_t row_values)
      : kind(of), weight_rows(rows), values(row_values) {
    const Floats source = RandomFloats(static_cast<std::size_t>(rows * values), 1);
    weights.resize(ggml_row_size(kind.file_type, values) * static_cast<std::size_t>(rows));
    ggml_quantize_chunk(kind.file_type, source.data(), weights.data(), 0, rows, values, nullptr);
    exact_weights.resize(source.size());
    ggml_get_type_traits(kind.file_type)
        ->to_float(weights.data(), exact_weights.data(), rows * values);
  }

  Floats Run(const Floats& activations, int threads) const {
    const auto rows = static_cast<std::int64_t>(activations.size()) / values;
    Floats out(static_cast<std::size_t>(rows * weight_rows) + 16, 7.0F);
    const auto stride = static_cast<std::int64_t>(ggml_row_size(kind.file_type, values));
    const std::int64_t bytes = values * static_cast<std::int64_t>(sizeof(float));
    const QuantProduct product = {
        kind.type,
        {weights.data(), stride, weight_rows, values},
        {reinterpret_cast<const char*>(activations.data()), {rows, 1, 1}, {bytes, 0, 0}},
        out.data()};
    std::vector<char> workspace(QuantWorkspace(kind.type, values, rows, threads));
    OnThreads(threads, [&](Team* team) {
      RunQuantProduct(*FindPanelKernels(), product, workspace.data(), team);
    });
    for (std::size_t i = out.size() - 16; i < out.size(); ++i) EXPECT_EQ(out[i], 7.0F);
    out.resize(out.size() - 16);
    return out;
  }
};

// Like the kernel, but one value at a time.
Floats Rounded(const Floats& values) {
  Floats rounded(values.size());
  for (std::size_t block = 0; block < values.size(); block += kScaled) {
    float largest = 0;
    for (int i = 0; i < kScaled; ++i) largest = std::max(largest, std::fabs(values[block + i]));
    const float scale = largest / 127.0F;
    const float inverse = largest != 0 ? 127.0F / largest : 0;
    for (int i = 0; i < kScaled; ++i) {
      rounded[block + i] = scale * std::nearbyint(values[block + i] * inverse);
    }
  }
  return rounded;
}

// The largest error relative to the sum of magnitudes.
double Error(const Case& made, const Floats& activations, const Floats& out) {
  const Floats rounded = Rounded(activations);
  double worst = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i) / made.weight_rows;
    const auto weight_row = static_cast<std::int64_t>(i) % made.weight_rows;
    double sum = 0;
    double magnitude = 0;
    for (std::int64_t k = 0; k < made.values; ++k) {
      const double term = static_cast<double>(made.exact_weights[weight_row * made.values + k]) *
                          static_cast<double>(rounded[row * made.values + k]);
      sum += term;
      magnitude += std::fabs(term);
    }
    worst = std::max(worst, std::fabs(sum - static_cast<double>(out[i])) / magnitude);
  }
  return worst;
}

}  // namespace

TEST(QuantProduct, IsWhatDoublePrecisionSays) {
  if (FindPanelKernels() == nullptr) return;
  for (const Kind kind : kKinds) {
    for (const std::int64_t weight_rows : {1, 15, 16, 17, 70}) {
      for (const std::int64_t rows : {1, 3, 8, 15, 16, 31}) {
        const Case made(kind, weight_rows, 512);
        const Floats activations = RandomFloats(static_cast<std::size_t>(rows * 512), 2);
        EXPECT(Error(made, activations, made.Run(activations, 2)) < 1e-6);
      }
    }
  }
}

TEST(QuantProduct, BitsDoNotDependOnTheOtherRowsOrTheThreads) {
  if (FindPanelKernels() == nullptr) return;
  for (const Kind kind : kKinds) {
    const Case made(kind, 200, 768);
    const Floats activations = RandomFloats(37 * 768, 3);
    const Floats together = made.Run(activations, 1);
    for (const int threads : {2, 3, 7}) {
      EXPECT(SameBits(made.Run(activations, threads).data(), together.data(), together.size()));
    }
    for (std::size_t row = 0; row < 37; row += 4) {
      const Floats one(activations.begin() + row * 768, activations.begin() + (row + 1) * 768);
      EXPECT(SameBits(made.Run(one, 2).data(), &together[row * 200], 200));
    }
  }
}

TEST(QuantProduct, ARowThatIsNotANumberSpoilsNoOther) {
  if (FindPanelKernels() == nullptr) return;
  const Case made(kKinds[0], 64, 256);
  Floats activations = RandomFloats(5 * 256, 4);
  const Floats good = made.Run(activations, 2);
  for (int i = 0; i < 256; ++i) activations[2 * 256 + i] = i % 2 == 0 ? NAN : INFINITY;
  const Floats bad = made.Run(activations, 2);
  EXPECT(SameBits(bad.data(), good.data(), 2 * 64));
  EXPECT(SameBits(&bad[3 * 64], &good[3 * 64], 2 * 64));
  EXPECT(!std::isfinite(bad[2 * 64]));
}

TEST(QuantProduct, ZerosGiveZero) {
  if (FindPanelKernels() == nullptr) return;
  for (const Kind kind : kKinds) {
    const Case made(kind, 20, 256);
    for (const float value : made.Run(Floats(3 * 256, 0.0F), 2)) EXPECT_EQ(value, 0.0F);
  }
}
