// SPDX-License-Identifier: AGPL-3.0-only
// The seam for LoRA adapters: small weights on top of the model's, chosen by each request.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sentiric/types.h"

namespace sentiric {

// Loaded adapters with their scales; they stay in memory as long as the set is held.
class AdapterSet {
 public:
  explicit AdapterSet(std::string key) : key_(std::move(key)) {}
  virtual ~AdapterSet() = default;
  // Names and scales. KV cells that were computed with one key are wrong for any other.
  const std::string& key() const { return key_; }

 private:
  const std::string key_;
};
using AdapterSetHandle = std::shared_ptr<const AdapterSet>;  // null = the model alone

// AdapterSet::key for these adapters; empty for none.
std::string AdapterKey(const std::vector<AdapterUse>& adapters);

// Thread-safe. Loaded adapters stay in memory for later requests until room is needed, and as long
// as a handle holds them.
class AdapterStore {
 public:
  virtual ~AdapterStore() = default;
  // Reads files, so never call it on the worker's thread. Returns the same set as long as it is
  // held. kModelNotFound, kModelInvalid, or kOverloaded when all adapters that may be loaded are in
  // use.
  virtual Result<AdapterSetHandle> Load(const std::vector<AdapterUse>& adapters) = 0;
  // The set if all of it is in memory, else null. Neither reads files nor waits for one.
  virtual AdapterSetHandle Find(const std::vector<AdapterUse>& adapters) = 0;
  virtual std::int32_t num_loaded() const = 0;
};

// For engines without adapters.
class NoAdapters : public AdapterStore {
 public:
  Result<AdapterSetHandle> Load(const std::vector<AdapterUse>&) override {
    return Error{ErrorCode::kModelNotFound, "lora_adapter", "no such adapter; none are configured"};
  }
  AdapterSetHandle Find(const std::vector<AdapterUse>&) override { return nullptr; }
  std::int32_t num_loaded() const override { return 0; }
};

}  // namespace sentiric
