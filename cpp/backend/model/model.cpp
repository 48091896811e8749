// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/model.h"

#include <cstdio>
#include <mutex>

#include "backend/kernels/cpu_hook.h"
#include "backend/model/abort_guard.h"
#include "backend/model/log_sink.h"
#include "llama.h"

namespace sentiric::backend {
namespace {

void InitBackend() {
  static std::once_flag done;
  std::call_once(done, [] {
    InstallLogSink();
    llama_backend_init();
    InstallCpuKernels();
  });
}

llama_model_params ParamsOf(const EngineConfig& config,
                            const std::function<bool(float)>& progress) {
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = config.gpu_layers;
  // Otherwise llama.cpp would repack weights into layouts that our products cannot read.
  params.use_extra_bufts = !HasCpuKernels();
  params.load_mode = config.use_mmap ? LLAMA_LOAD_MODE_MMAP : LLAMA_LOAD_MODE_NONE;
  if (progress) {
    params.progress_callback = [](float done, void* data) {
      return (*static_cast<const std::function<bool(float)>*>(data))(done);
    };
    params.progress_callback_user_data = const_cast<std::function<bool(float)>*>(&progress);
  }
  return params;
}

Error Invalid(const std::string& path, const std::string& reason) {
  return {ErrorCode::kModelInvalid, "model", "cannot load " + path + ": " + reason};
}

}  // namespace

Result<std::shared_ptr<const Model>> Model::Load(const EngineConfig& config,
                                                 const std::function<bool(float)>& progress) {
  return Open(config.model_path, ParamsOf(config, progress));
}

Result<std::shared_ptr<const Model>> Model::LoadWithoutWeights(const EngineConfig& config) {
  llama_model_params params = ParamsOf(config, nullptr);
  params.no_alloc = true;
  params.load_mode = LLAMA_LOAD_MODE_NONE;  // there is nothing to map
  return Open(config.model_path, params);
}

Result<std::shared_ptr<const Model>> Model::Open(const std::string& path,
                                                 const llama_model_params& params) {
  InitBackend();
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return Error{ErrorCode::kModelNotFound, "model", "cannot open " + path};
  std::fclose(file);
  try {
    const AbortGuard guard;
    llama_model* model = llama_model_load_from_file(path.c_str(), params);
    if (model == nullptr) return Invalid(path, LastLoggedError("llama.cpp gave no reason"));
    return std::shared_ptr<const Model>(new Model(model, path));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "model", "not enough memory to load " + path};
  } catch (const std::exception& e) {
    return Invalid(path, e.what());
  }
}

Model::~Model() { llama_model_free(model_); }

const llama_vocab* Model::vocab() const { return llama_model_get_vocab(model_); }

std::int32_t Model::num_vocab() const { return llama_vocab_n_tokens(vocab()); }

std::string Model::Meta(const char* key) const {
  const std::int32_t size = llama_model_meta_val_str(model_, key, nullptr, 0);
  if (size < 0) return {};
  std::string value(static_cast<std::size_t>(size) + 1, '\0');
  llama_model_meta_val_str(model_, key, value.data(), value.size());
  value.pop_back();
  return value;
}

ModelInfo Model::Describe() const {
  ModelInfo info;
  info.path = path_;
  info.name = Meta("general.name");
  info.architecture = Meta("general.architecture");
  info.quantization = llama_ftype_name(llama_model_ftype(model_));
  char description[256];
  llama_model_desc(model_, description, sizeof description);
  info.description = description;
  info.size_bytes = llama_model_size(model_);
  info.num_params = llama_model_n_params(model_);
  info.num_vocab = num_vocab();
  info.num_embd = llama_model_n_embd_out(model_);
  info.num_layers = llama_model_n_layer(model_);
  info.context_train = llama_model_n_ctx_train(model_);
  info.bos = llama_vocab_bos(vocab());
  info.eos = llama_vocab_eos(vocab());
  info.infill_prefix = llama_vocab_fim_pre(vocab());
  info.infill_suffix = llama_vocab_fim_suf(vocab());
  info.infill_middle = llama_vocab_fim_mid(vocab());
  return info;
}

}  // namespace sentiric::backend
