// SPDX-License-Identifier: AGPL-3.0-only
// KV states in files, so that a process that starts again finds them. The cache decides what may
// be written (see prefix_cache.h); nothing that others should not read comes here.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/file_writer.h"
#include "core/state_file.h"
#include "core/state_store.h"
#include "sentiric/log.h"

namespace sentiric {

struct DiskConfig {
  std::string folder;  // made when it is not there, this user's alone; empty = no tier
  std::uint64_t max_bytes = 0;
  std::string fingerprint;  // of model, settings and library; files of others are never loaded
  std::function<void(LogLine)> log = [](LogLine) {};
};

// As StateStore, bounded in bytes, least recently used first out; the age of a file is the time of
// its last change. Files of other fingerprints are left alone until room is needed. Reading happens
// in the caller's thread, writing in one of its own. After the first failure to write the store
// says so once and writes no more; no failure reaches a request. Processes may share a folder. One
// thread uses it.
class DiskStore {
 public:
  // Numbers its holders from `first` on.
  DiskStore(DiskConfig config, HolderId first);

  bool is_open() const { return writer_ != nullptr; }
  std::vector<HolderId> holders() const;

  // Whether a state of about this size can be written now.
  bool HasRoomFor(std::uint64_t bytes) const;
  // Appends the holders that had to go to `dropped`. The record's tokens are those of the state.
  // nullopt when the whole file would be too large.
  std::optional<HolderId> Put(StoredState state, std::vector<HolderId>* dropped);
  // Null when it cannot be read or is not what was written: Erase it then. Counts as a use.
  std::shared_ptr<const StoredState> Find(HolderId id);
  const PrefixRecord* Peek(HolderId id) const;  // not a use
  void Use(HolderId id);
  void Erase(HolderId id);  // and its file
  // Holders whose files could not be written; they are no longer here.
  std::vector<HolderId> TakeLost();
  void Flush();  // waits until all is written

  std::uint64_t num_bytes() const { return num_bytes_; }
  std::size_t size() const { return states_.size(); }
  std::uint64_t num_failures() const { return num_failures_; }
  bool CheckIntegrity() const;

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
  void Rest(const Error& error);
  void Log(LogLine::Level level, const std::string& text) const { config_.log({level, text}); }

  const DiskConfig config_;
  const HolderId first_;
  HolderId next_;
  std::uint64_t num_bytes_ = 0;
  std::uint64_t num_failures_ = 0;
  bool rests_ = false;  // writes no more
  Entries entries_;     // most recently used first
  std::unordered_map<HolderId, Entries::iterator> states_;
  std::unique_ptr<FileWriter> writer_;  // null = the folder cannot be used
};

}  // namespace sentiric
