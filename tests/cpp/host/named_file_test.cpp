// SPDX-License-Identifier: AGPL-3.0-only
// A caller's name is checked before anything is opened, and only regular files are opened.
#include "host/named_file.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "temp_folder.h"

using namespace sentiric;
using sentiric::testing::TempFolder;
namespace fs = std::filesystem;

namespace {

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// adapters/ with files that may be opened; around it files that may not.
class Layout {
 public:
  Layout() {
    fs::create_directories(home() + "/sub");
    Write(home() + "/legal.gguf", "inside");
    Write(home() + "/old.bin", "inside");
    Write(home() + "/sub/deep.gguf", "inside");
    Write(folder_.path() + "/outside.gguf", "outside");
    fs::create_directory(home() + "/folder.gguf");
    fs::create_symlink("legal.gguf", home() + "/alias.gguf");
    fs::create_symlink("sub/deep.gguf", home() + "/nested.gguf");
    fs::create_symlink("../outside.gguf", home() + "/escape.gguf");
    fs::create_symlink(folder_.path() + "/outside.gguf", home() + "/absolute.gguf");
    fs::create_symlink("/dev/zero", home() + "/zero.gguf");
    fs::create_symlink("loop.gguf", home() + "/loop.gguf");
    fs::create_symlink("pipe.gguf", home() + "/linked_pipe.gguf");
    fs::create_symlink("gone.gguf", home() + "/dangling.gguf");
    ::mkfifo((home() + "/pipe.gguf").c_str(), 0600);
  }
  std::string home() const { return folder_.path() + "/adapters"; }
  std::string outside() const { return folder_.path() + "/outside.gguf"; }

 private:
  TempFolder folder_;
};

// Counts how often a file is opened, even if it is closed at once.
class OpenWatch {
 public:
  explicit OpenWatch(const std::vector<std::string>& paths) : fd_(::inotify_init1(IN_NONBLOCK)) {
    for (const std::string& path : paths) {
      is_sound_ &= ::inotify_add_watch(fd_, path.c_str(), IN_OPEN) >= 0;
    }
  }
  ~OpenWatch() { ::close(fd_); }
  bool is_sound() const { return is_sound_; }
  int Count() {
    alignas(inotify_event) char events[4096];
    int count = 0;
    for (ssize_t got; (got = ::read(fd_, events, sizeof events)) > 0;) {
      count += static_cast<int>(got) / static_cast<int>(sizeof(inotify_event));
    }
    return count;
  }

 private:
  const int fd_;
  bool is_sound_ = true;
};

bool Opens(const std::string& folder, const std::string& name) {
  return OpenAdapterFile(folder, name).ok();
}

std::size_t NumDescriptors() {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) count += !entry.path().empty();
  return count;
}

}  // namespace

TEST(NamedFile, PlainNamesOfAnyLanguage) {
  for (const char* name :
       {"legal", "legal-v2.1", "hukuk_çeviri", "法律", "Größe 7", "a..b", "x."}) {
    EXPECT(IsFileName(name));
  }
  EXPECT(IsFileName(std::string(128, 'a')));
}

TEST(NamedFile, NamesThatLeadElsewhereOrHideSomething) {
  const std::vector<std::string> names = {
      "", ".", "..", ".hidden", "../outside", "a/b", "/etc/passwd", "a\\b", "..\\outside",
      std::string("name\0", 5), std::string("\0name", 5), std::string("legal\0.gguf", 11), "a\nb",
      "a\rb", "a\tb", "a\x1b[31m", "a\x7f", "a\xc2\x85", "a\xc2\xad", "a\xe2\x80\x8b",
      "a\xe2\x80\xae", "a\xe2\x81\xa6",
      "\xef\xbb\xbf"
      "a",
      // lookalikes of dots and separators
      "\xe2\x80\xa4\xe2\x80\xa4", "\xe2\x80\xa5", "\xe2\x80\xa6", "\xef\xbc\x8e\xef\xbc\x8e",
      "\xef\xb9\x92",
      "a\xe2\x88\x95"
      "b",
      "a\xe2\x81\x84"
      "b",
      "a\xef\xbc\x8f"
      "b",
      "a\xef\xbc\xbc"
      "b",
      "a\xe2\xa7\xb8"
      "b",
      // not UTF-8: raw bytes, overlong dots and slashes, a surrogate
      "a\xff", "\xc0\xae\xc0\xae",
      "a\xc0\xaf"
      "b",
      "\xed\xa0\x80", "a\xe2\x88"};
  for (const std::string& name : names) EXPECT(!IsFileName(name));
  EXPECT(!IsFileName(std::string(129, 'a')));
}

TEST(NamedFile, OnlyRegularFilesOfTheFolderOpen) {
  const Layout layout;
  for (const char* name : {"legal", "old", "alias", "nested"}) EXPECT(Opens(layout.home(), name));
  for (const char* name : {"absent", "folder", "pipe", "linked_pipe", "zero", "loop", "dangling",
                           "escape", "absolute", "sub/deep", "../outside"}) {
    const auto file = OpenAdapterFile(layout.home(), name);
    ASSERT(!file);
    EXPECT(file.error().code == ErrorCode::kModelNotFound);
    EXPECT_EQ(file.error().where, "lora_adapter");
    EXPECT(file.error().what.find(layout.home()) == std::string::npos);
  }
  EXPECT(!Opens("", "legal"));
  EXPECT(!Opens(layout.home() + "/absent", "legal"));
}

TEST(NamedFile, ItIsReadToTheEndAndClosed) {
  const Layout layout;
  const std::size_t before = NumDescriptors();
  {
    auto file = OpenAdapterFile(layout.home(), "legal");
    ASSERT(file.ok());
    EXPECT(file->ReadThrough());
    EXPECT_EQ(::fcntl(file->fd(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(NumDescriptors(), before + 1);
  }
  for (const char* name : {"pipe", "escape", "zero", "folder", "../outside"}) {
    Opens(layout.home(), name);
  }
  EXPECT_EQ(NumDescriptors(), before);
}

TEST(NamedFile, TwoThousandNamesOpenNothingOutside) {
  const Layout layout;
  const std::vector<std::string> pieces = {"..",
                                           ".",
                                           "/",
                                           "\\",
                                           "legal",
                                           "outside",
                                           "pipe",
                                           "escape",
                                           "zero",
                                           "sub",
                                           "deep",
                                           ".gguf",
                                           "%2e%2e",
                                           "%2f",
                                           "\n",
                                           "\r",
                                           "\t",
                                           " ",
                                           "~",
                                           "*",
                                           "?",
                                           "$HOME",
                                           "a",
                                           "\xef\xbc\x8f",
                                           "\xe2\x80\xa5",
                                           "\xc0\xae",
                                           "\xff",
                                           "adapters",
                                           "/dev/zero",
                                           "/proc/self/fd/0",
                                           "folder",
                                           std::string(1, '\0'),
                                           std::string(60, 'x')};
  const std::vector<std::string> inside = {"legal", "old", "alias", "nested"};
  OpenWatch watch({layout.outside(), layout.home() + "/pipe.gguf", layout.home() + "/folder.gguf",
                   "/dev/zero"});
  ASSERT(watch.is_sound());
  ::close(::open(layout.outside().c_str(), O_RDONLY));
  EXPECT_EQ(watch.Count(), 1);  // the watch works
  std::mt19937 random(2000);
  int num_opened = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string name;
    for (auto n = 1 + random() % 4; n > 0; --n) name += pieces[random() % pieces.size()];
    const auto file = OpenAdapterFile(layout.home(), name);
    if (!file) continue;
    ++num_opened;
    const std::string real =
        fs::read_symlink("/proc/self/fd/" + std::to_string(file->fd())).string();
    EXPECT_EQ(real.rfind(fs::canonical(layout.home()).string() + "/", 0), 0u);
    EXPECT(std::find(inside.begin(), inside.end(), name) != inside.end());
  }
  EXPECT(num_opened > 0);
  EXPECT_EQ(watch.Count(), 0);
}
