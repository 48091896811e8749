// SPDX-License-Identifier: AGPL-3.0-only
#include "host/disk_store.h"

#include <sys/stat.h>

#include <fstream>
#include <map>
#include <random>

#include "check.h"
#include "temp_folder.h"

using namespace sentiric;
using testing::TempFolder;

namespace {

namespace fs = std::filesystem;

constexpr HolderId kFirst = 1000;

DiskConfig Config(const TempFolder& folder, std::uint64_t max_bytes = 1 << 20) {
  DiskConfig config;
  config.folder = folder.path() + "/states";
  config.max_bytes = max_bytes;
  config.fingerprint = "model a";
  return config;
}

StoredState State(Token first, std::size_t size = 100) {
  StoredState state;
  state.record.scope = "scope";
  for (Token token = 0; token < 20; ++token) state.record.tokens.push_back(first + token);
  state.bytes.assign(size, static_cast<std::uint8_t>(first));
  return state;
}

// The first tokens of all stored states.
std::vector<Token> Firsts(const DiskStore& store) {
  std::vector<Token> firsts;
  for (const HolderId id : store.holders()) firsts.push_back(store.Peek(id)->tokens.front());
  std::sort(firsts.begin(), firsts.end());
  return firsts;
}

void Fill(const DiskConfig& config, std::vector<Token> firsts) {
  DiskStore store(config, kFirst);
  std::vector<HolderId> dropped;
  for (const Token first : firsts) store.Put(State(first), &dropped);
}

void SetAge(const std::string& path, int hours) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(hours));
}

}  // namespace

TEST(DiskStore, AnotherProcessFindsWhatWasWritten) {
  const TempFolder folder;
  Fill(Config(folder), {1, 2, 3});
  DiskStore store(Config(folder), kFirst);
  EXPECT(Firsts(store) == std::vector<Token>({1, 2, 3}));
  for (const HolderId id : store.holders()) {
    const auto state = store.Find(id);
    ASSERT(state != nullptr);
    const StoredState want = State(state->record.tokens.front());
    EXPECT(state->bytes == want.bytes);
    EXPECT(state->record.tokens == want.record.tokens);
    EXPECT_EQ(state->record.scope, want.record.scope);
    EXPECT_EQ(state->record.shared, 20);
    EXPECT_EQ(state->record.owner, RequestId{0});
  }
  EXPECT(store.CheckIntegrity());
}

TEST(DiskStore, NobodyElseMayReadIt) {
  const TempFolder folder;
  Fill(Config(folder), {1});
  struct stat found;
  ASSERT(::stat((folder.path() + "/states").c_str(), &found) == 0);
  EXPECT_EQ(found.st_mode & 0777, 0700u);
  ASSERT(folder.States().size() == 1);
  ASSERT(::stat(folder.States()[0].c_str(), &found) == 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST(DiskStore, FoldersAboveAreAsPrivate) {
  const TempFolder folder;
  DiskConfig config = Config(folder);
  config.folder = folder.path() + "/above/between/states";
  Fill(config, {1});
  for (const char* name : {"/above", "/above/between", "/above/between/states"}) {
    struct stat found;
    ASSERT(::stat((folder.path() + name).c_str(), &found) == 0);
    EXPECT_EQ(found.st_mode & 0777, 0700u);
  }
}

TEST(DiskStore, AFolderThatOthersMayOpenIsRefused) {
  const TempFolder folder;
  const DiskConfig config = Config(folder);
  fs::create_directory(config.folder);
  fs::permissions(config.folder, fs::perms(0755));
  DiskStore store(config, kFirst);
  EXPECT(!store.is_open());
  EXPECT(!store.HasRoomFor(1));
  EXPECT_EQ(store.num_failures(), 1u);
}

TEST(DiskStore, FilesOfOtherFingerprintsAreLeftAlone) {
  const TempFolder folder;
  Fill(Config(folder), {1, 2});
  DiskConfig other = Config(folder);
  other.fingerprint = "model b";
  {
    DiskStore store(other, kFirst);
    EXPECT_EQ(store.size(), 0u);
    EXPECT(store.num_bytes() > 0);
  }
  EXPECT_EQ(folder.States().size(), 2u);
  other.max_bytes = 1;  // until there is no room
  {
    DiskStore store(other, kFirst);
  }
  EXPECT_EQ(folder.States().size(), 0u);
}

TEST(DiskStore, DamagedFilesAreRemovedAndNeverLoaded) {
  const TempFolder folder;
  Fill(Config(folder), {1});
  ASSERT(folder.States().size() == 1);
  const std::string path = folder.States()[0];
  const auto size = fs::file_size(path);
  for (std::uintmax_t at = 0; at < size; at += 3) {
    Fill(Config(folder), {1});  // writes it again if it is gone
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x41));
    file.close();
    DiskStore store(Config(folder), kFirst);
    for (const HolderId id : store.holders()) {
      EXPECT(store.Find(id) == nullptr);
      store.Erase(id);
    }
    EXPECT_EQ(store.size(), 0u);
    EXPECT_EQ(store.num_failures(), 1u);
    EXPECT(store.CheckIntegrity());
  }
}

TEST(DiskStore, AFileThatIsCutOrGoneWhileItIsOpen) {
  const TempFolder folder;
  Fill(Config(folder), {1, 2});
  DiskStore store(Config(folder), kFirst);
  ASSERT(folder.States().size() == 2);
  fs::resize_file(folder.States()[0], 150);
  fs::remove(folder.States()[1]);
  for (const HolderId id : store.holders()) EXPECT(store.Find(id) == nullptr);
  EXPECT_EQ(store.num_failures(), 2u);
}

TEST(DiskStore, LinksAreNotFollowed) {
  const TempFolder folder;
  Fill(Config(folder), {1});
  const std::string path = folder.States().at(0), elsewhere = folder.path() + "/elsewhere";
  fs::rename(path, elsewhere);
  fs::create_symlink(elsewhere, path);
  DiskStore store(Config(folder), kFirst);
  EXPECT_EQ(store.size(), 0u);
  EXPECT(fs::exists(elsewhere));
}

TEST(DiskStore, TheLeastRecentlyUsedGoesFirst) {
  const TempFolder folder;
  Fill(Config(folder), {1, 2, 3});
  for (const std::string& path : folder.States()) SetAge(path, 5);
  HolderId used = 0;
  {
    DiskStore store(Config(folder), kFirst);
    for (const HolderId id : store.holders()) {
      if (store.Peek(id)->tokens.front() == 2) used = id;
    }
    EXPECT(store.Find(used) != nullptr);
  }
  const auto bytes = fs::file_size(folder.States()[0]);
  DiskStore store(Config(folder, 2 * bytes), kFirst);  // one must be dropped
  EXPECT_EQ(store.size(), 2u);
  std::vector<HolderId> dropped;
  store.Put(State(4), &dropped);
  EXPECT_EQ(dropped.size(), 1u);
  const std::vector<Token> left = Firsts(store);
  EXPECT(left == std::vector<Token>({2, 4}));
}

TEST(DiskStore, AStateIsThereBeforeItsFileIs) {
  const TempFolder folder;
  DiskStore store(Config(folder), kFirst);
  std::vector<HolderId> dropped;
  const HolderId id = *store.Put(State(7), &dropped);
  ASSERT(store.Find(id) != nullptr);
  store.Flush();
  EXPECT(store.TakeLost().empty());
  ASSERT(store.Find(id) != nullptr);
  EXPECT(store.Find(id)->bytes == State(7).bytes);
}

TEST(DiskStore, WhatCannotBeWrittenIsSaidOnceAndForgotten) {
  const TempFolder folder;
  std::vector<std::string> lines;
  DiskConfig config = Config(folder);
  config.log = [&](const LogLine& line) {
    if (line.level == LogLine::Level::kWarn) lines.push_back(line.text);
  };
  DiskStore store(config, kFirst);
  fs::remove_all(config.folder);
  std::vector<HolderId> dropped;
  const HolderId a = *store.Put(State(1), &dropped), b = *store.Put(State(2), &dropped);
  store.Flush();
  EXPECT(store.TakeLost() == std::vector<HolderId>({a, b}));
  EXPECT_EQ(lines.size(), 1u);
  EXPECT(!store.HasRoomFor(100));
  EXPECT_EQ(store.size(), 0u);
  EXPECT(store.CheckIntegrity());
}

TEST(DiskStore, AStateLargerThanAllIsNotKept) {
  const TempFolder folder;
  DiskStore store(Config(folder, 300), kFirst);
  std::vector<HolderId> dropped;
  EXPECT(!store.HasRoomFor(301));
  EXPECT(!store.Put(State(1, 290), &dropped));
  EXPECT_EQ(store.num_bytes(), 0u);
}

TEST(DiskStore, ScratchFilesOfTheDeadAreRemoved) {
  const TempFolder folder;
  Fill(Config(folder), {});
  for (const char* name : {"/states/old.tmp", "/states/new.tmp"}) {
    std::ofstream(folder.path() + name) << "x";
  }
  SetAge(folder.path() + "/states/old.tmp", 2);
  DiskStore store(Config(folder), kFirst);
  EXPECT(!fs::exists(folder.path() + "/states/old.tmp"));
  EXPECT(fs::exists(folder.path() + "/states/new.tmp"));
}

// Compared with a list of expected states; the process restarts now and then.
TEST(DiskStore, RandomOperations) {
  const TempFolder folder;
  const DiskConfig config = Config(folder, 3000);
  std::mt19937 random(5);
  auto store = std::make_unique<DiskStore>(config, kFirst);
  std::map<Token, HolderId> known;
  for (int step = 0; step < 4000; ++step) {
    const auto first = static_cast<Token>(random() % 30);
    const auto found = known.find(first);
    std::vector<HolderId> dropped;
    switch (random() % 8) {
      case 0:
        if (found != known.end()) store->Erase(found->second), known.erase(found);
        break;
      case 1:
        if (random() % 20 > 0) break;
        store.reset();
        store = std::make_unique<DiskStore>(config, kFirst);
        EXPECT_EQ(store->size(), known.size());
        known.clear();
        for (const HolderId id : store->holders()) known[store->Peek(id)->tokens.front()] = id;
        break;
      case 2:
      case 3:
        if (found == known.end())
          known[first] = *store->Put(State(first, 50 + random() % 900), &dropped);
        break;
      default:
        if (found == known.end()) break;
        const auto state = store->Find(found->second);
        ASSERT(state != nullptr);
        ASSERT(state->record.tokens.front() == first);
        ASSERT(state->bytes.front() == first && state->bytes.back() == first);
    }
    for (auto it = known.begin(); it != known.end();) {
      const bool is_dropped = std::count(dropped.begin(), dropped.end(), it->second) > 0;
      it = is_dropped ? known.erase(it) : std::next(it);
    }
    EXPECT(store->TakeLost().empty());
    ASSERT(store->CheckIntegrity());
    ASSERT(store->size() == known.size());
  }
}
