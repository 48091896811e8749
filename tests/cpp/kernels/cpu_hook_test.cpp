// SPDX-License-Identifier: AGPL-3.0-only
// Graphs of ggml use our products once they are installed.
#include "backend/kernels/cpu_hook.h"

#include <cmath>
#include <memory>

#include "backend/kernels/panel_kernels.h"
#include "backend/kernels/quant_product.h"
#include "check.h"
#include "ggml-cpu.h"
#include "ggml.h"
#include "numbers.h"
#include "teams.h"

using namespace sentiric::backend;
using namespace sentiric::testing;

namespace {

constexpr std::int64_t kValues = 256, kWeightRows = 48, kRows = 5;

struct Graph {
  std::unique_ptr<ggml_context, void (*)(ggml_context*)> context;
  ggml_tensor* weights;
  ggml_tensor* activations;
  ggml_tensor* product;

  explicit Graph(ggml_type type)
      : context(ggml_init({16 << 20, nullptr, false}), ggml_free),
        weights(ggml_new_tensor_2d(context.get(), type, kValues, kWeightRows)),
        activations(ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, kValues, kRows)),
        product(ggml_mul_mat(context.get(), weights, activations)) {
    const Floats source = RandomFloats(kValues * kWeightRows, 1);
    ggml_quantize_chunk(type, source.data(), weights->data, 0, kWeightRows, kValues, nullptr);
    const Floats values = RandomFloats(kValues * kRows, 2);
    std::copy(values.begin(), values.end(), static_cast<float*>(activations->data));
  }

  Floats Compute() {
    ggml_cgraph* graph = ggml_new_graph(context.get());
    ggml_build_forward_expand(graph, product);
    ggml_graph_compute_with_ctx(context.get(), graph, 2);
    const auto* out = static_cast<const float*>(product->data);
    return {out, out + kWeightRows * kRows};
  }
};

Floats Direct(const Graph& graph) {
  Floats out(kWeightRows * kRows);
  const QuantProduct product = {
      WeightType::kQ8_0,
      {static_cast<const char*>(graph.weights->data),
       static_cast<std::int64_t>(graph.weights->nb[1]), kWeightRows, kValues},
      {static_cast<const char*>(graph.activations->data),
       {kRows, 1, 1},
       {kValues * static_cast<std::int64_t>(sizeof(float)), 0, 0}},
      out.data()};
  std::vector<char> workspace(QuantWorkspace(WeightType::kQ8_0, kValues, kRows, 1));
  OnThreads(1, [&](Team* team) {
    RunQuantProduct(*FindPanelKernels(), product, workspace.data(), team);
  });
  return out;
}

}  // namespace

TEST(CpuHook, GraphsTakeOurProducts) {
  InstallCpuKernels();
  InstallCpuKernels();  // once is enough
  EXPECT_EQ(HasCpuKernels(), CpuKernelsName() != "llama");
  if (!HasCpuKernels()) return;  // another processor, or switched off: nothing to test
  EXPECT_EQ(CpuKernelsName(), std::string(FindPanelKernels()->name));
  Graph graph(GGML_TYPE_Q8_0);
  const Floats want = Direct(graph);
  EXPECT(SameBits(graph.Compute().data(), want.data(), want.size()));
}

TEST(CpuHook, AProductThatIsLeftToLlamaIsNotOurs) {
  InstallCpuKernels();
  if (!HasCpuKernels()) return;  // all of them are llama.cpp's
  Graph ours(GGML_TYPE_Q8_0), left(GGML_TYPE_Q8_0);
  EXPECT(!LeaveToLlama(left.product, true, nullptr));  // it need not see the result
  EXPECT(!LeaveToLlama(left.weights, true, nullptr));
  const Floats want = ours.Compute(), got = left.Compute();
  EXPECT(!SameBits(got.data(), want.data(), want.size()));  // other sums, so other roundings
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT(std::abs(got[i] - want[i]) < 0.02f);
}

TEST(CpuHook, WhatOursMultiplyIsTheSameOnEveryProcessor) {
  const std::unique_ptr<ggml_context, void (*)(ggml_context*)> context(
      ggml_init({1 << 20, nullptr, true}), ggml_free);
  const auto matrix = [&](ggml_type type) {
    return ggml_new_tensor_2d(context.get(), type, kValues, kWeightRows);
  };
  for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_Q4_K, GGML_TYPE_F16, GGML_TYPE_F32}) {
    EXPECT(CanMultiply(matrix(type)));
  }
  EXPECT(!CanMultiply(matrix(GGML_TYPE_Q2_K)));
  EXPECT(!CanMultiply(matrix(GGML_TYPE_BF16)));
  // A norm is not a matrix; experts are several.
  EXPECT(CanMultiply(ggml_new_tensor_1d(context.get(), GGML_TYPE_BF16, kValues)));
  EXPECT(!CanMultiply(ggml_new_tensor_3d(context.get(), GGML_TYPE_Q8_0, kValues, kWeightRows, 4)));
}
