// SPDX-License-Identifier: AGPL-3.0-only
#include "host/disk_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "core/cache/xxh64.h"
#include "host/private_files.h"

namespace sentiric {
namespace {

namespace fs = std::filesystem;

// Bytes of states that wait in memory for the disk.
constexpr std::uint64_t kMaxQueued = std::uint64_t{256} << 20;
// A temporary file this old is from a process that died.
constexpr std::chrono::hours kScratchAge{1};

std::string_view View(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<StateHead> ReadHead(const PrivateFile& file) {
  Bytes bytes(kStateFileStart);
  if (!file.is_open() || !file.Read(0, &bytes)) return std::nullopt;
  bytes.resize(StateHeadSize(bytes, file.size()));
  if (bytes.empty() || !file.Read(0, &bytes)) return std::nullopt;
  return DecodeStateHead(bytes, file.size());
}

std::uint64_t FileSize(const StateHead& head) {
  return EncodeStateHead(head).size() + head.state_size;
}

// Null unless every bit of the file is what was written for this record.
std::shared_ptr<const StoredState> ReadState(const std::string& path,
                                             const std::string& fingerprint,
                                             const PrefixRecord& record) {
  const PrivateFile file(path);
  const std::optional<StateHead> head = ReadHead(file);
  if (!head || head->fingerprint != fingerprint || head->scope != record.scope ||
      head->tokens != record.tokens) {
    return nullptr;
  }
  auto state = std::make_shared<StoredState>();
  state->record = record;
  state->bytes.resize(head->state_size);
  if (!file.Read(file.size() - head->state_size, &state->bytes)) return nullptr;
  return IsStateOf(*head, state->bytes) ? state : nullptr;
}

Status Write(const std::string& path, StateHead head, const StoredState& state) {
  head.state_checksum = Xxh64(state.bytes.data(), state.bytes.size());
  const Bytes start = EncodeStateHead(head);
  return WritePrivateFile(path, {View(start), View(state.bytes)});
}

}  // namespace

DiskStore::DiskStore(DiskConfig config, HolderId first)
    : config_(std::move(config)), first_(first), next_(first) {
  if (config_.folder.empty()) return;
  if (const Status failed = EnsurePrivateFolder(config_.folder)) {
    StopWriting(*failed);
    return;
  }
  writer_ = std::make_unique<FileWriter>(kMaxQueued);
  Scan();
}

void DiskStore::Scan() {
  std::vector<std::pair<fs::file_time_type, Entry>> found;
  std::error_code failed;
  for (fs::directory_iterator file(config_.folder, failed), end; !failed && file != end;
       file.increment(failed)) {
    std::error_code gone;  // another process may have removed it
    const auto time = fs::last_write_time(file->path(), gone);
    const std::string extension = file->path().extension().string();
    Entry entry;
    if (gone) continue;
    if (extension == ".tmp" && fs::file_time_type::clock::now() - time > kScratchAge) {
      fs::remove(file->path(), gone);
    } else if (extension == ".kv" && IsScanned(file->path().string(), &entry)) {
      found.emplace_back(time, std::move(entry));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [time, entry] : found) {
    num_bytes_ += entry.bytes;
    entries_.push_back(std::move(entry));
    if (entries_.back().id != kForeign) states_[entries_.back().id] = std::prev(entries_.end());
  }
  std::vector<HolderId> dropped;
  MakeRoom(0, &dropped);
  Log(LogLine::Level::kInfo, "disk cache: " + std::to_string(states_.size()) + " prefixes, " +
                                 std::to_string(num_bytes_) + " bytes in " + config_.folder);
}

// False for a file that is not a state file; it is removed.
bool DiskStore::IsScanned(const std::string& path, Entry* entry) {
  const PrivateFile file(path);
  const std::optional<StateHead> head = ReadHead(file);
  if (!head) {
    ++num_failures_;
    Log(LogLine::Level::kWarn, "disk cache: removed " + path + ", which is damaged or unknown");
    ::unlink(path.c_str());
    return false;
  }
  entry->path = path;
  entry->bytes = file.size();
  if (head->fingerprint != config_.fingerprint || head->tokens.empty()) return true;
  const auto size = static_cast<std::int32_t>(head->tokens.size());
  entry->id = NextId();
  entry->record = {head->scope, head->tokens, size, 0, 0, size};
  return true;
}

HolderId DiskStore::NextId() {
  const HolderId id = next_;
  next_ = next_ == INT32_MAX ? first_ : next_ + 1;
  return id;
}

std::vector<HolderId> DiskStore::holders() const {
  std::vector<HolderId> ids;
  for (const auto& [id, entry] : states_) ids.push_back(id);
  return ids;
}

bool DiskStore::HasRoomFor(std::uint64_t bytes) const {
  return is_open() && writes_ && bytes > 0 && bytes <= config_.max_bytes && writer_->HasRoom(bytes);
}

std::optional<HolderId> DiskStore::Put(StoredState state, std::vector<HolderId>* dropped) {
  StateHead head{config_.fingerprint, state.record.scope, state.record.tokens, state.bytes.size()};
  Entry entry;
  entry.bytes = FileSize(head);
  if (entry.bytes > config_.max_bytes) return std::nullopt;
  entry.id = NextId();
  entry.path = config_.folder + "/" + StateFileName(head);
  entry.record = state.record;
  entry.pending = std::make_shared<const StoredState>(std::move(state));
  MakeRoom(entry.bytes, dropped);
  num_bytes_ += entry.bytes;
  entries_.push_front(entry);
  states_[entry.id] = entries_.begin();
  writer_->Post(entry.id, entry.bytes, [path = entry.path, head, state = entry.pending] {
    return Write(path, head, *state);
  });
  return entry.id;
}

std::shared_ptr<const StoredState> DiskStore::Find(HolderId id) {
  const auto found = states_.find(id);
  if (found == states_.end()) return nullptr;
  const Entry& entry = *found->second;
  auto state =
      entry.pending ? entry.pending : ReadState(entry.path, config_.fingerprint, entry.record);
  if (state) {
    Use(id);
  } else {
    ++num_failures_;
    Log(LogLine::Level::kWarn, "disk cache: " + entry.path + " is damaged or gone");
  }
  return state;
}

const PrefixRecord* DiskStore::Peek(HolderId id) const {
  const auto found = states_.find(id);
  return found == states_.end() ? nullptr : &found->second->record;
}

void DiskStore::Use(HolderId id) {
  const Entries::iterator entry = states_.at(id);
  entries_.splice(entries_.begin(), entries_, entry);
  writer_->Post(kForeign, 0, [path = entry->path]() -> Status {
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    return std::nullopt;
  });
}

void DiskStore::Erase(HolderId id) {
  const auto found = states_.find(id);
  if (found != states_.end()) Remove(found->second);
}

void DiskStore::MakeRoom(std::uint64_t bytes, std::vector<HolderId>* dropped) {
  while (!entries_.empty() && num_bytes_ + bytes > config_.max_bytes) {
    const auto oldest = std::prev(entries_.end());
    if (oldest->id != kForeign) dropped->push_back(oldest->id);
    Remove(oldest);
  }
}

void DiskStore::Remove(Entries::iterator entry) {
  writer_->Post(kForeign, 0, [path = entry->path]() -> Status {
    ::unlink(path.c_str());
    return std::nullopt;
  });
  num_bytes_ -= entry->bytes;
  states_.erase(entry->id);
  entries_.erase(entry);
}

std::vector<HolderId> DiskStore::TakeLost() {
  std::vector<HolderId> lost;
  if (!is_open()) return lost;
  for (const FileWriter::Outcome& outcome : writer_->TakeOutcomes()) {
    const auto found = states_.find(outcome.id);
    if (outcome.status) StopWriting(*outcome.status);
    if (found == states_.end()) continue;
    found->second->pending.reset();
    if (!outcome.status) continue;
    lost.push_back(outcome.id);
    Remove(found->second);
  }
  return lost;
}

void DiskStore::StopWriting(const Error& error) {
  ++num_failures_;
  if (!std::exchange(writes_, false)) return;
  Log(LogLine::Level::kWarn, "disk cache: nothing more is written; " + error.what);
}

void DiskStore::Flush() {
  if (is_open()) writer_->Flush();
}

bool DiskStore::CheckIntegrity() const {
  std::uint64_t bytes = 0;
  std::size_t num_own = 0;
  for (const Entry& entry : entries_) {
    bytes += entry.bytes;
    num_own += entry.id == kForeign ? 0 : 1;
  }
  return bytes == num_bytes_ && num_own == states_.size() && bytes <= config_.max_bytes;
}

}  // namespace sentiric
