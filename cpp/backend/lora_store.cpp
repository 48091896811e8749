// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/lora_store.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "backend/abort_guard.h"
#include "backend/log_sink.h"
#include "llama.h"

namespace sentiric::backend {
namespace {

bool IsFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file != nullptr) std::fclose(file);
  return file != nullptr;
}

bool IsStem(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find_first_of("/\\") == std::string::npos &&
         name.find('\0') == std::string::npos;
}

}  // namespace

Lora::~Lora() { llama_adapter_lora_free(adapter_); }

Result<AdapterSetHandle> LoraStore::Load(const std::vector<AdapterUse>& adapters) {
  if (adapters.empty()) return AdapterSetHandle();
  const std::string key = AdapterKey(adapters);
  if (AdapterSetHandle same = sets_[key].lock()) return same;
  std::vector<std::pair<std::shared_ptr<const Lora>, float>> found;
  for (const AdapterUse& use : adapters) {
    auto lora = Find(use.name);
    if (!lora) return lora.error();
    found.emplace_back(*lora, use.scale);
  }
  AdapterSetHandle set = std::make_shared<const LoraSet>(key, std::move(found));
  for (auto it = sets_.begin(); it != sets_.end();) {
    it = it->second.expired() ? sets_.erase(it) : std::next(it);
  }
  sets_[key] = set;
  return set;
}

Result<std::shared_ptr<const Lora>> LoraStore::Find(const std::string& name) {
  const auto entry = std::find_if(loaded_.begin(), loaded_.end(),
                                  [&](const Entry& other) { return other.name == name; });
  if (entry != loaded_.end()) {
    loaded_.splice(loaded_.begin(), loaded_, entry);
    return entry->lora;
  }
  if (!MakeRoom()) {
    return Error{ErrorCode::kOverloaded, "lora_adapter",
                 "all loaded adapters are in use; allowed " + std::to_string(max_loaded_)};
  }
  auto lora = Open(name);
  if (lora) loaded_.push_front({name, *lora});
  return lora;
}

Result<std::shared_ptr<const Lora>> LoraStore::Open(const std::string& name) {
  const std::string stem = folder_ + "/" + name;
  const std::string path = IsFile(stem + ".gguf") ? stem + ".gguf" : stem + ".bin";
  if (folder_.empty() || !IsStem(name) || !IsFile(path)) {
    return Error{ErrorCode::kModelNotFound, "lora_adapter",
                 folder_.empty() ? "no such adapter; LORA_DIR names no folder"
                                 : "no such adapter; allowed the file names in LORA_DIR without "
                                   ".gguf"};
  }
  try {
    const AbortGuard guard;
    if (llama_adapter_lora* adapter = llama_adapter_lora_init(model_->get(), path.c_str())) {
      return std::make_shared<const Lora>(model_, adapter);
    }
  } catch (const std::exception&) {
    // The reason is in the library's log.
  }
  return Error{ErrorCode::kModelInvalid, "lora_adapter",
               LastLoggedError("not an adapter for this model")};
}

// False when every loaded adapter is in use.
bool LoraStore::MakeRoom() {
  for (auto it = loaded_.end(); num_loaded() >= max_loaded_ && it != loaded_.begin();) {
    --it;
    if (it->lora.use_count() == 1) it = loaded_.erase(it);
  }
  return num_loaded() < max_loaded_;
}

}  // namespace sentiric::backend
