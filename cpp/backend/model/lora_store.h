// SPDX-License-Identifier: AGPL-3.0-only
// LoRA adapters of a folder, loaded when a request first names them.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/model/model.h"
#include "core/seams/adapters.h"
#include "core/sync/mutex.h"
#include "host/named_file.h"

struct llama_adapter_lora;

namespace sentiric::backend {

// Owns one loaded adapter.
class Lora {
 public:
  Lora(std::shared_ptr<const Model> model, llama_adapter_lora* adapter)
      : model_(std::move(model)), adapter_(adapter) {}
  ~Lora();
  Lora(const Lora&) = delete;
  Lora& operator=(const Lora&) = delete;
  llama_adapter_lora* get() const { return adapter_; }

 private:
  const std::shared_ptr<const Model> model_;  // freed after the adapter
  llama_adapter_lora* const adapter_;
};

class LoraSet : public AdapterSet {
 public:
  LoraSet(std::string key, std::uint64_t serial,
          std::vector<std::pair<std::shared_ptr<const Lora>, float>> adapters)
      : AdapterSet(std::move(key)), serial_(serial), adapters_(std::move(adapters)) {}
  const std::vector<std::pair<std::shared_ptr<const Lora>, float>>& adapters() const {
    return adapters_;
  }
  // Unique, from 1 on; unlike an address it is never reused.
  std::uint64_t serial() const { return serial_; }

 private:
  const std::uint64_t serial_;
  const std::vector<std::pair<std::shared_ptr<const Lora>, float>> adapters_;
};

// Adapter NAME is `NAME.gguf` in the folder, else `NAME.bin`; host/named_file.h says what a name
// may be. At most `max_loaded` stay in memory; the least recently used is dropped first, never one
// in use.
class LoraStore : public AdapterStore {
 public:
  LoraStore(std::shared_ptr<const Model> model, std::string folder, std::int32_t max_loaded)
      : model_(std::move(model)), folder_(std::move(folder)), max_loaded_(max_loaded) {}

  Result<AdapterSetHandle> Load(const std::vector<AdapterUse>& adapters) override;
  AdapterSetHandle Find(const std::vector<AdapterUse>& adapters) override;
  std::int32_t num_loaded() const override { return num_loaded_.load(); }

 private:
  using LoraHandle = std::shared_ptr<const Lora>;
  struct Entry {
    std::string name;
    LoraHandle lora;
  };

  Result<LoraHandle> LoadOne(const std::string& name) REQUIRES(load_mutex_);
  LoraHandle FindOne(const std::string& name);
  bool MaybeMakeRoom() REQUIRES(load_mutex_);
  Result<LoraHandle> Read(const NamedFile& file);
  AdapterSetHandle SetOf(const std::string& key, std::vector<std::pair<LoraHandle, float>> found);

  // Constant after construction.
  const std::shared_ptr<const Model> model_;
  const std::string folder_;
  const std::int32_t max_loaded_;

  Mutex load_mutex_;  // one file at a time; taken before mutex_
  std::atomic<std::int32_t> num_loaded_{0};

  Mutex mutex_;                                 // never held while a file is read
  std::list<Entry> loaded_ GUARDED_BY(mutex_);  // most recently used first
  std::map<std::string, std::weak_ptr<const AdapterSet>> sets_ GUARDED_BY(mutex_);
  std::uint64_t num_sets_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sentiric::backend
