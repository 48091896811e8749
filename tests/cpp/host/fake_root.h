// SPDX-License-Identifier: AGPL-3.0-only
// A folder that stands for "/" and goes away with the test.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

class FakeRoot {
 public:
  FakeRoot() : path_(MakePath()) { std::filesystem::remove_all(path_); }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  void Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string path() const { return path_.string(); }

 private:
  static std::filesystem::path MakePath() {
    return std::filesystem::temp_directory_path() / ("sentiric-root-" + std::to_string(getpid()));
  }

  const std::filesystem::path path_;
};
