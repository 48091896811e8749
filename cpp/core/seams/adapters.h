// SPDX-License-Identifier: AGPL-3.0-only
// The seam for LoRA adapters: small weights beside the model's, chosen by request.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Loaded adapters with their scales; kept in memory as long as somebody holds the set.
class AdapterSet {
 public:
  explicit AdapterSet(std::string key) : key_(std::move(key)) {}
  virtual ~AdapterSet() = default;
  // Names and scales: what was computed under one key is wrong under any other.
  const std::string& key() const { return key_; }

 private:
  const std::string key_;
};
using AdapterSetHandle = std::shared_ptr<const AdapterSet>;  // null = the model alone

// The text of AdapterSet::key for these adapters; empty for none.
std::string AdapterKey(const std::vector<AdapterUse>& adapters);

// Thread-safe. What it loads stays in memory for later requests until room is needed; a handle
// keeps it there.
class AdapterStore {
 public:
  virtual ~AdapterStore() = default;
  // Reads files: never on the worker's thread. The same set again while somebody holds it.
  // kModelNotFound, kModelInvalid, or kOverloaded when as many adapters as may be loaded are in
  // use.
  virtual Result<AdapterSetHandle> Load(const std::vector<AdapterUse>& adapters) = 0;
  // The set when all of it is in memory, else null; touches no file and waits for none.
  virtual AdapterSetHandle Find(const std::vector<AdapterUse>& adapters) = 0;
  virtual std::int32_t num_loaded() const = 0;
};

// Where there are none.
class NoAdapters : public AdapterStore {
 public:
  Result<AdapterSetHandle> Load(const std::vector<AdapterUse>&) override {
    return Error{ErrorCode::kModelNotFound, "lora_adapter", "none are loaded"};
  }
  AdapterSetHandle Find(const std::vector<AdapterUse>&) override { return nullptr; }
  std::int32_t num_loaded() const override { return 0; }
};

}  // namespace sentiric
