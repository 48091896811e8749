// SPDX-License-Identifier: AGPL-3.0-only
// KV states in files, so that a process that starts again finds them.
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
  std::string folder;  // made when it is not there, this user's alone; empty = never open
  std::uint64_t max_bytes = 0;
  std::string fingerprint;  // of model, settings and library; files of others are never loaded
  std::function<void(LogLine)> log = [](LogLine) {};
};

// As StateStore, bounded in bytes, least recently used first out; the age of a file is the time of
// its last change. Files of other fingerprints are left alone until room is needed. Reading happens
// in the caller's thread, writing in one of its own. After the first failure to write the store
// says so once and writes no more; no failure reaches a request. Processes may share a folder. One
// thread uses it.
class DiskStore : public DiskTier {
 public:
  // Numbers its holders from `first` on.
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
    std::shared_ptr<const StoredState> pending;  // until the file is there
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
  bool writes_ = true;  // until a write failed
  Entries entries_;     // most recently used first
  std::unordered_map<HolderId, Entries::iterator> states_;
  std::unique_ptr<FileWriter> writer_;  // null = the folder cannot be used
};

}  // namespace sentiric
