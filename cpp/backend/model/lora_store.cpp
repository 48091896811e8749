// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/model/lora_store.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "backend/model/abort_guard.h"
#include "backend/model/log_sink.h"
#include "llama.h"

namespace sentiric::backend {

Lora::~Lora() {
  const MutexLock lock(model_->adapters_mutex());
  llama_adapter_lora_free(adapter_);
}

Result<AdapterSetHandle> LoraStore::Load(const std::vector<AdapterUse>& adapters) {
  if (AdapterSetHandle found = Find(adapters)) return found;
  if (adapters.empty()) return AdapterSetHandle();
  const MutexLock lock(&load_mutex_);
  std::vector<std::pair<LoraHandle, float>> found;
  for (const AdapterUse& use : adapters) {
    auto lora = LoadOne(use.name);
    if (!lora) return lora.error();
    found.emplace_back(*lora, use.scale);
  }
  return SetOf(AdapterKey(adapters), std::move(found));
}

AdapterSetHandle LoraStore::Find(const std::vector<AdapterUse>& adapters) {
  if (adapters.empty()) return nullptr;
  std::vector<std::pair<LoraHandle, float>> found;
  for (const AdapterUse& use : adapters) {
    LoraHandle lora = FindOne(use.name);
    if (!lora) return nullptr;
    found.emplace_back(std::move(lora), use.scale);
  }
  return SetOf(AdapterKey(adapters), std::move(found));
}

AdapterSetHandle LoraStore::SetOf(const std::string& key,
                                  std::vector<std::pair<LoraHandle, float>> found) {
  const MutexLock lock(&mutex_);
  if (AdapterSetHandle same = sets_[key].lock()) return same;
  for (auto it = sets_.begin(); it != sets_.end();) {
    it = it->second.expired() ? sets_.erase(it) : std::next(it);
  }
  AdapterSetHandle set = std::make_shared<const LoraSet>(key, ++num_sets_, std::move(found));
  sets_[key] = set;
  return set;
}

LoraStore::LoraHandle LoraStore::FindOne(const std::string& name) {
  const MutexLock lock(&mutex_);
  const auto entry = std::find_if(loaded_.begin(), loaded_.end(),
                                  [&](const Entry& other) { return other.name == name; });
  if (entry == loaded_.end()) return nullptr;
  loaded_.splice(loaded_.begin(), loaded_, entry);
  return entry->lora;
}

Result<LoraStore::LoraHandle> LoraStore::LoadOne(const std::string& name) {
  if (LoraHandle found = FindOne(name)) return found;
  auto file = OpenAdapterFile(folder_, name);
  if (!file) return file.error();
  if (!MaybeMakeRoom()) {
    return Error{
        ErrorCode::kOverloaded, "lora_adapter",
        "all loaded adapters are in use; allowed " + std::to_string(max_loaded_) + " at a time"};
  }
  auto lora = Read(*file);
  if (!lora) return lora;
  const MutexLock lock(&mutex_);
  loaded_.push_front({name, *lora});
  ++num_loaded_;
  return lora;
}

// The model keeps a list of its adapters, which contexts walk on the worker's thread. So the worker
// has to wait while the library loads; the file is read into the page cache first to keep that
// short.
Result<LoraStore::LoraHandle> LoraStore::Read(const NamedFile& file) {
  const Error invalid{ErrorCode::kModelInvalid, "lora_adapter",
                      "the file is not an adapter for this model"};
  const int fd = ::dup(file.fd());
  std::FILE* stream = fd < 0 || !file.ReadThrough() ? nullptr : ::fdopen(fd, "rb");
  if (stream == nullptr) {
    if (fd >= 0) ::close(fd);
    return invalid;
  }
  llama_adapter_lora* adapter = nullptr;
  try {
    const AbortGuard guard;
    const MutexLock lock(model_->adapters_mutex());
    adapter = llama_adapter_lora_init_from_file_ptr(model_->get(), stream);
  } catch (const std::exception&) {
    // The reason is in the library's log.
  }
  std::fclose(stream);
  if (adapter != nullptr) return std::make_shared<const Lora>(model_, adapter);
  return Error{invalid.code, invalid.where, LastLoggedError(invalid.what)};
}

// False when every loaded adapter is in use.
bool LoraStore::MaybeMakeRoom() {
  std::vector<LoraHandle> leaving;  // freed without the lock, because freeing waits for the worker
  const MutexLock lock(&mutex_);
  for (auto it = loaded_.end(); num_loaded() >= max_loaded_ && it != loaded_.begin();) {
    --it;
    if (it->lora.use_count() > 1) continue;
    leaving.push_back(std::move(it->lora));
    it = loaded_.erase(it);
    --num_loaded_;
  }
  return num_loaded() < max_loaded_;
}

}  // namespace sentiric::backend
