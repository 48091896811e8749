// SPDX-License-Identifier: AGPL-3.0-only
// The seam for KV states that outlive the process. The prefix cache decides what may be written
// (see core/cache/disk_policy.h): never a conversation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/seams/stored_state.h"

namespace sentiric {

// Bounded in bytes; drops the least recently used state first. No failure reaches a request: a
// state that cannot be written or read is computed again. One thread makes all calls.
class DiskTier {
 public:
  virtual ~DiskTier() = default;

  // False for NoDisk, and when the folder cannot be used.
  virtual bool is_open() const = 0;
  virtual std::vector<HolderId> holders() const = 0;  // from kFirstOnDisk on

  // Whether a state of about this size can be written now.
  virtual bool HasRoomFor(std::uint64_t bytes) const = 0;
  // The record's tokens are those of the state. Appends the holders that were dropped for it to
  // `dropped`. nullopt when the state is too large. Never waits for the disk.
  virtual std::optional<HolderId> Put(StoredState state, std::vector<HolderId>* dropped) = 0;
  // Null when the file cannot be read or is damaged: call Erase then. Counts as a use.
  virtual std::shared_ptr<const StoredState> Find(HolderId id) = 0;
  virtual const PrefixRecord* Peek(HolderId id) const = 0;  // null when unknown; not a use
  virtual void Use(HolderId id) = 0;
  virtual void Erase(HolderId id) = 0;
  // Holders that could not be written; they are no longer here.
  virtual std::vector<HolderId> TakeLost() = 0;
  virtual void Flush() = 0;  // waits until all is written

  virtual std::uint64_t num_bytes() const = 0;
  virtual std::size_t size() const = 0;
  virtual std::uint64_t num_failures() const = 0;
  virtual bool CheckIntegrity() const = 0;
};

// For engines without a disk cache.
class NoDisk : public DiskTier {
 public:
  bool is_open() const override { return false; }
  std::vector<HolderId> holders() const override { return {}; }
  bool HasRoomFor(std::uint64_t) const override { return false; }
  std::optional<HolderId> Put(StoredState, std::vector<HolderId>*) override { return std::nullopt; }
  std::shared_ptr<const StoredState> Find(HolderId) override { return nullptr; }
  const PrefixRecord* Peek(HolderId) const override { return nullptr; }
  void Use(HolderId) override {}
  void Erase(HolderId) override {}
  std::vector<HolderId> TakeLost() override { return {}; }
  void Flush() override {}
  std::uint64_t num_bytes() const override { return 0; }
  std::size_t size() const override { return 0; }
  std::uint64_t num_failures() const override { return 0; }
  bool CheckIntegrity() const override { return true; }
};

}  // namespace sentiric
