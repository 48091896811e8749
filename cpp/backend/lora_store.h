// SPDX-License-Identifier: AGPL-3.0-only
// LoRA adapters from a folder, loaded when a request first names them.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/model.h"
#include "core/adapters.h"

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
  LoraSet(std::string key, std::vector<std::pair<std::shared_ptr<const Lora>, float>> adapters)
      : AdapterSet(std::move(key)), adapters_(std::move(adapters)) {}
  const std::vector<std::pair<std::shared_ptr<const Lora>, float>>& adapters() const {
    return adapters_;
  }

 private:
  const std::vector<std::pair<std::shared_ptr<const Lora>, float>> adapters_;
};

// `NAME.gguf` in the folder, else `NAME.bin`; a name is a file's stem and never a path. At most
// `max_loaded` stay in memory; the least recently used goes first, never one that is in use.
class LoraStore : public AdapterStore {
 public:
  LoraStore(std::shared_ptr<const Model> model, std::string folder, std::int32_t max_loaded)
      : model_(std::move(model)), folder_(std::move(folder)), max_loaded_(max_loaded) {}

  Result<AdapterSetHandle> Load(const std::vector<AdapterUse>& adapters) override;
  std::int32_t num_loaded() const override { return static_cast<std::int32_t>(loaded_.size()); }

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const Lora> lora;
  };

  Result<std::shared_ptr<const Lora>> Find(const std::string& name);
  Result<std::shared_ptr<const Lora>> Open(const std::string& name);
  bool MakeRoom();

  const std::shared_ptr<const Model> model_;
  const std::string folder_;
  const std::int32_t max_loaded_;
  std::list<Entry> loaded_;  // most recently used first
  std::map<std::string, std::weak_ptr<const AdapterSet>> sets_;
};

}  // namespace sentiric::backend
