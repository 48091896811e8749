// SPDX-License-Identifier: AGPL-3.0-only
// The devices that this build can compute on, and their free memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sentiric/error.h"

namespace sentiric {

struct Device {
  std::string name;         // "CUDA0", "CPU", ...
  std::string description;  // "NVIDIA H200", the processor's name, ...
  std::string kind;         // cpu | gpu | igpu | accelerator | meta
  std::uint64_t free = 0;   // bytes now; free and total are 0 when the device does not say
  std::uint64_t total = 0;
};

// All devices, the processor among them. Asking a GPU for its memory may start its driver.
// Any thread.
Result<std::vector<Device>> ListDevices();

}  // namespace sentiric
