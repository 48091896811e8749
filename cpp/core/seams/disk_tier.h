// SPDX-License-Identifier: AGPL-3.0-only
// The seam for KV states that outlive the process. The cache decides what may be written (see
// core/cache/disk_policy.h); nothing that others should not read comes here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/seams/stored_state.h"

namespace sentiric {

// Bounded in bytes, least recently used first out. No failure reaches a request: what cannot be
// written or read is computed again. One thread makes all calls.
class DiskTier {
 public:
  virtual ~DiskTier() = default;

  // Whether there is a disk at all.
  virtual bool is_open() const = 0;
  virtual std::vector<HolderId> holders() const = 0;  // from kFirstOnDisk on

  // Whether a state of about this size can be written now.
  virtual bool HasRoomFor(std::uint64_t bytes) const = 0;
  // Appends the holders that had to go to `dropped`. The record's tokens are those of the state.
  // nullopt when it would be too large. Never waits for the disk.
  virtual std::optional<HolderId> Put(StoredState state, std::vector<HolderId>* dropped) = 0;
  // Null when it cannot be read or is not what was written: Erase it then. Counts as a use.
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

// Where there is none.
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
