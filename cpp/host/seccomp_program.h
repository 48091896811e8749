// SPDX-License-Identifier: AGPL-3.0-only
// Writes the program that the kernel runs before each system call of a filtered process.
#pragma once

#include <cstdint>
#include <vector>

namespace sentiric {

// As the kernel defines `struct sock_filter`.
struct FilterStep {
  std::uint16_t code;
  std::uint8_t if_true, if_false;  // steps to skip
  std::uint32_t value;
};

// One half of a call's argument, reduced by a mask, is one of the values, or is none of them. The
// kernel reads int arguments from the low half alone.
struct ArgumentCheck {
  enum class Half { kLow, kHigh };
  int argument;  // 0..5
  bool is_one_of;
  std::vector<std::uint32_t> values;
  std::uint32_t mask = 0xffffffff;
  Half half = Half::kLow;
};

// The first rule for a call decides. Calls without a rule are allowed.
class SeccompProgram {
 public:
  // architecture: AUDIT_ARCH_*. A call through another one, where the same number means another
  // call, ends the process.
  explicit SeccompProgram(std::uint32_t architecture);

  void Refuse(int call, int error);
  void RefuseAbove(int call, int error);
  // Refused with `error` unless all checks hold.
  void AllowIf(int call, const std::vector<ArgumentCheck>& checks, int error);

  std::vector<FilterStep> Finish() const;

 private:
  std::vector<FilterStep> steps_;
};

}  // namespace sentiric
