// SPDX-License-Identifier: AGPL-3.0-only
// KV states in files, so that a restarted process finds them.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/cache/state_file.h"
#include "core/seams/disk_tier.h"
#include "host/file_writer.h"
#include "sentiric/log.h"

namespace sentiric {

struct DiskConfig {
  std::string folder;  // created if missing, private to this user; empty = never open
  std::uint64_t max_bytes = 0;
  std::string fingerprint;  // of model, settings and library; other files are not loaded
  std::function<void(LogLine)> log = [](LogLine) {};
};

// Bounded in bytes like StateStore; drops the least recently used file first, by modification time.
// Files of other fingerprints stay until room is needed. Reads in the caller's thread and writes in
// a thread of its own. After the first failed write it logs a line and stops writing; no failure
// reaches a request. Several processes may share a folder. One thread uses it.
class DiskStore : public DiskTier {
 public:
  // first: the number of its first holder.
  explicit DiskStore(DiskConfig config, HolderId first = kFirstOnDisk);

  bool is_open() const override { return writer_ != nullptr; }
  std::vector<HolderId> holders() const override;
  bool HasRoomFor(std::uint64_t bytes) const override;
  std::optional<HolderId> Put(StoredState state, std::vector<HolderId>* dropped) override;
  std::shared_ptr<const StoredState> Find(HolderId id) override;
  const PrefixRecord* Peek(HolderId id) const override;
  void Use(HolderId id) override;
  void Erase(HolderId id) override;  // and its file
  std::vector<HolderId> TakeLost() override;
  void Flush() override;
  std::uint64_t num_bytes() const override { return num_bytes_; }
  std::size_t size() const override { return states_.size(); }
  std::uint64_t num_failures() const override { return num_failures_; }
  bool CheckIntegrity() const override;

 private:
  struct Entry {
    HolderId id = kForeign;
    std::string path;
    std::uint64_t bytes = 0;
    PrefixRecord record;
    std::shared_ptr<const StoredState> pending;  // until the file is written
  };
  using Entries = std::list<Entry>;
  static constexpr HolderId kForeign = -1;

  void Scan();
  bool IsScanned(const std::string& path, Entry* entry);
  HolderId NextId();
  void MakeRoom(std::uint64_t bytes, std::vector<HolderId>* dropped);
  void Remove(Entries::iterator entry);
  void StopWriting(const Error& error);
  void Log(LogLine::Level level, const std::string& text) const { config_.log({level, text}); }

  const DiskConfig config_;
  const HolderId first_;
  HolderId next_;
  std::uint64_t num_bytes_ = 0;
  std::uint64_t num_failures_ = 0;
  bool writes_ = true;  // false after a write failed
  Entries entries_;     // most recently used first
  std::unordered_map<HolderId, Entries::iterator> states_;
  std::unique_ptr<FileWriter> writer_;  // null = the folder cannot be used
};

}  // namespace sentiric
