// SPDX-License-Identifier: AGPL-3.0-only
#include "host/seccomp_program.h"

namespace sentiric {
namespace {

// The kernel's interface, which never changes.
constexpr std::uint16_t kLoad = 0x20;           // BPF_LD | BPF_W | BPF_ABS
constexpr std::uint16_t kAnd = 0x54;            // BPF_ALU | BPF_AND | BPF_K
constexpr std::uint16_t kSkip = 0x05;           // BPF_JMP | BPF_JA
constexpr std::uint16_t kSkipIfEqual = 0x15;    // BPF_JMP | BPF_JEQ | BPF_K
constexpr std::uint16_t kSkipIfGreater = 0x25;  // BPF_JMP | BPF_JGT | BPF_K
constexpr std::uint16_t kReturn = 0x06;         // BPF_RET | BPF_K

constexpr std::uint32_t kAllow = 0x7fff0000;        // SECCOMP_RET_ALLOW
constexpr std::uint32_t kFail = 0x00050000;         // SECCOMP_RET_ERRNO, plus the errno
constexpr std::uint32_t kKillProcess = 0x80000000;  // SECCOMP_RET_KILL_PROCESS

// Offsets in `struct seccomp_data`.
constexpr std::uint32_t kNumber = 0;
constexpr std::uint32_t kArchitecture = 4;
constexpr std::uint32_t kArguments = 16;

FilterStep Load(std::uint32_t offset) { return {kLoad, 0, 0, offset}; }
FilterStep Return(std::uint32_t action) { return {kReturn, 0, 0, action}; }
FilterStep Fail(int error) { return Return(kFail | static_cast<std::uint32_t>(error)); }

// On little-endian machines, which are the only ones that are filtered.
std::uint32_t OffsetOf(const ArgumentCheck& check) {
  const auto argument = kArguments + 8 * static_cast<std::uint32_t>(check.argument);
  return check.half == ArgumentCheck::Half::kHigh ? argument + 4 : argument;
}

// Returns `error` if the check fails, and goes on behind it otherwise.
void AppendCheck(const ArgumentCheck& check, int error, std::vector<FilterStep>* steps) {
  steps->push_back(Load(OffsetOf(check)));
  steps->push_back({kAnd, 0, 0, check.mask});
  auto left = static_cast<std::uint8_t>(check.values.size());
  for (const std::uint32_t value : check.values) {
    steps->push_back({kSkipIfEqual, left, 0, value});  // a match skips the others and one step
    --left;
  }
  if (!check.is_one_of) steps->push_back({kSkip, 0, 0, 1});
  steps->push_back(Fail(error));
}

}  // namespace

SeccompProgram::SeccompProgram(std::uint32_t architecture)
    : steps_{Load(kArchitecture),
             {kSkipIfEqual, 1, 0, architecture},
             Return(kKillProcess),
             Load(kNumber)} {}

void SeccompProgram::Refuse(int call, int error) {
  steps_.push_back({kSkipIfEqual, 0, 1, static_cast<std::uint32_t>(call)});
  steps_.push_back(Fail(error));
}

void SeccompProgram::RefuseAbove(int call, int error) {
  steps_.push_back({kSkipIfGreater, 0, 1, static_cast<std::uint32_t>(call)});
  steps_.push_back(Fail(error));
}

void SeccompProgram::AllowIf(int call, const std::vector<ArgumentCheck>& checks, int error) {
  std::vector<FilterStep> block;
  for (const ArgumentCheck& check : checks) AppendCheck(check, error, &block);
  block.push_back(Return(kAllow));
  const auto length = static_cast<std::uint8_t>(block.size());
  steps_.push_back({kSkipIfEqual, 0, length, static_cast<std::uint32_t>(call)});
  steps_.insert(steps_.end(), block.begin(), block.end());
}

std::vector<FilterStep> SeccompProgram::Finish() const {
  std::vector<FilterStep> whole = steps_;
  whole.push_back(Return(kAllow));
  return whole;
}

}  // namespace sentiric
