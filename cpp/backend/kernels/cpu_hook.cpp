// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/kernels/cpu_hook.h"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "backend/kernels/float_product.h"
#include "backend/kernels/quant_product.h"
#include "ggml-backend-impl.h"
#include "ggml-cpu-impl.h"
#include "ggml-impl.h"
#include "traits.h"

namespace sentiric::backend {
namespace {

// A parameter of products that ggml does not use: not 0 = llama.cpp computes this one.
constexpr std::uint32_t kLeftToLlama = 2;

std::optional<WeightType> TypeOf(ggml_type type) {
  switch (type) {
    case GGML_TYPE_Q8_0: return WeightType::kQ8_0;
    case GGML_TYPE_Q4_0: return WeightType::kQ4_0;
    case GGML_TYPE_Q5_0: return WeightType::kQ5_0;
    case GGML_TYPE_IQ4_NL: return WeightType::kIq4Nl;
    case GGML_TYPE_IQ4_XS: return WeightType::kIq4Xs;
    case GGML_TYPE_Q4_K: return WeightType::kQ4_K;
    case GGML_TYPE_Q5_K: return WeightType::kQ5_K;
    case GGML_TYPE_Q6_K: return WeightType::kQ6_K;
    default: return std::nullopt;
  }
}

// Whether the weights are in the format of the file: a buffer that llama.cpp repacked is not
// "host".
bool IsPlain(const ggml_tensor* tensor) {
  const ggml_backend_buffer_t buffer =
      tensor->view_src != nullptr ? tensor->view_src->buffer : tensor->buffer;
  return buffer == nullptr || ggml_backend_buffer_is_host(buffer);
}

std::optional<FloatType> FloatTypeOf(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F32: return FloatType::kF32;
    case GGML_TYPE_F16: return FloatType::kF16;
    default: return std::nullopt;
  }
}

bool IsProduct(const ggml_tensor* op) {
  if (op->op != GGML_OP_MUL_MAT || ggml_get_op_params_i32(op, 1) != GGML_HINT_NONE ||
      ggml_get_op_params_i32(op, kLeftToLlama) != 0) {
    return false;
  }
  const ggml_tensor* weights = op->src[0];
  const ggml_tensor* activations = op->src[1];
  return weights->nb[0] == ggml_type_size(weights->type) && activations->type == GGML_TYPE_F32 &&
         activations->nb[0] == sizeof(float) && op->type == GGML_TYPE_F32 &&
         ggml_is_contiguous(op) && IsPlain(weights);
}

bool IsOneMatrix(const ggml_tensor* tensor) { return tensor->ne[2] == 1 && tensor->ne[3] == 1; }

bool IsQuantProduct(const ggml_tensor* op) {
  return TypeOf(op->src[0]->type).has_value() && IsOneMatrix(op->src[0]);
}

bool IsFloatProduct(const ggml_tensor* op) { return FloatTypeOf(op->src[0]->type).has_value(); }

template <class Byte>
TensorRows<Byte> RowsOf(const ggml_tensor* tensor) {
  TensorRows<Byte> rows = {};
  rows.data = static_cast<Byte*>(tensor->data);
  for (int i = 0; i < 3; ++i) {
    rows.counts[i] = tensor->ne[i + 1];
    rows.strides[i] = static_cast<std::int64_t>(tensor->nb[i + 1]);
  }
  return rows;
}

QuantProduct QuantProductOf(const ggml_tensor* op) {
  const ggml_tensor* weights = op->src[0];
  const WeightRows rows = {static_cast<const char*>(weights->data),
                           static_cast<std::int64_t>(weights->nb[1]), weights->ne[1],
                           weights->ne[0]};
  return {*TypeOf(weights->type), rows, RowsOf<const char>(op->src[1]),
          static_cast<float*>(op->data)};
}

FloatProduct FloatProductOf(const ggml_tensor* op) {
  return {*FloatTypeOf(op->src[0]->type), RowsOf<const char>(op->src[0]),
          RowsOf<const char>(op->src[1]), RowsOf<char>(op), op->src[0]->ne[0]};
}

// The threads that compute a graph of ggml.
class GraphTeam : public Team {
 public:
  explicit GraphTeam(const ggml_compute_params* params) : params_(params) {}
  int index() const override { return params_->ith; }
  int size() const override { return params_->nth; }
  void StartChunks(int first) override { ggml_threadpool_chunk_set(params_->threadpool, first); }
  int NextChunk() override { return ggml_threadpool_chunk_add(params_->threadpool, 1); }
  void Wait() override { ggml_barrier(params_->threadpool); }

 private:
  const ggml_compute_params* params_;
};

class Products : public ggml::cpu::tensor_traits {
 public:
  explicit Products(const PanelKernels* kernels) : kernels_(kernels) {}

  bool work_size(int threads, const ggml_tensor* op, std::size_t& size) override {
    if (IsQuantProduct(op)) {
      const QuantProduct product = QuantProductOf(op);
      size =
          QuantWorkspace(product.type, product.weights.values, product.activations.size(), threads);
    } else {
      size = FloatWorkspace(threads);
    }
    return true;
  }

  bool compute_forward(ggml_compute_params* params, ggml_tensor* op) override {
    GraphTeam team(params);
    auto* workspace = static_cast<char*>(params->wdata);
    if (IsQuantProduct(op)) {
      RunQuantProduct(*kernels_, QuantProductOf(op), workspace, &team);
    } else {
      RunFloatProduct(*kernels_, FloatProductOf(op), workspace, &team);
    }
    return true;
  }

 private:
  const PanelKernels* kernels_;
};

// A buffer type that never holds a tensor; ggml only asks it about operations.
class Door : public ggml::cpu::extra_buffer_type {
 public:
  explicit Door(const PanelKernels* kernels) : products_(kernels) {}
  bool supports_op(ggml_backend_dev_t, const ggml_tensor*) override { return false; }
  ggml::cpu::tensor_traits* get_tensor_traits(const ggml_tensor* op) override {
    const bool is_ours = IsProduct(op) && (IsQuantProduct(op) || IsFloatProduct(op));
    return is_ours ? &products_ : nullptr;
  }

 private:
  Products products_;
};

bool IsSwitchedOff() {
  const char* value = std::getenv("SENTIRIC_CPU_KERNELS");
  return value != nullptr && std::string_view(value) == "llama";
}

const PanelKernels* Install() {
  const PanelKernels* kernels = IsSwitchedOff() ? nullptr : FindPanelKernels();
  if (kernels == nullptr) return nullptr;
  static Door door(kernels);
  static ggml_backend_buffer_type type = {};
  type.iface.get_name = [](ggml_backend_buffer_type_t) { return "SENTIRIC_PANELS"; };
  type.iface.alloc_buffer = [](ggml_backend_buffer_type_t, std::size_t) -> ggml_backend_buffer_t {
    return nullptr;
  };
  type.iface.get_alignment = [](ggml_backend_buffer_type_t) { return kVectorBytes; };
  type.device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  type.context = &door;
  ggml_backend_cpu_get_extra_buffer_types().push_back(&type);
  return kernels;
}

const PanelKernels* Installed() {
  static const PanelKernels* const kernels = Install();
  return kernels;
}

}  // namespace

void InstallCpuKernels() { Installed(); }

bool HasCpuKernels() { return Installed() != nullptr; }

bool CanMultiply(const ggml_tensor* weights) {
  if (ggml_n_dims(weights) < 2) return true;
  const bool has_kernel = TypeOf(weights->type) || FloatTypeOf(weights->type);
  return has_kernel && IsOneMatrix(weights);
}

bool LeaveToLlama(ggml_tensor* op, bool asks, void* /*unused*/) {
  if (asks && op->op == GGML_OP_MUL_MAT) ggml_set_op_params_i32(op, kLeftToLlama, 1);
  return !asks;
}

std::string CpuKernelsName() {
  const PanelKernels* kernels = Installed();
  return kernels == nullptr ? "llama" : kernels->name;
}

}  // namespace sentiric::backend
