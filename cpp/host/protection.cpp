// SPDX-License-Identifier: AGPL-3.0-only
#include "host/protection.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <utility>

namespace sentiric {

std::string Line(const Protection& protection) {
  const std::string& detail = protection.detail;
  if (!protection.holds()) return protection.name + ": " + detail;
  const std::string state = protection.hold == Hold::kOn ? ": on" : ": partly on";
  return protection.name + state + (detail.empty() ? "" : " (" + detail + ")");
}

Protection Refused(std::string name, int error) {
  if (error == ENOSYS) return {std::move(name), Hold::kUnavailable, "not offered by this kernel"};
  if (error == EOPNOTSUPP) {
    return {std::move(name), Hold::kUnavailable, "switched off in this kernel"};
  }
  return {std::move(name), Hold::kFailed, std::strerror(error)};
}

bool RunsOtherThreads() {
  std::error_code unknown;
  const std::filesystem::directory_iterator threads("/proc/self/task", unknown);
  return !unknown && std::distance(begin(threads), end(threads)) > 1;
}

}  // namespace sentiric
