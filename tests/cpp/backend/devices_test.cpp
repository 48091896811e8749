// SPDX-License-Identifier: AGPL-3.0-only
// The devices of this machine: whatever else there is, it has a processor and RAM.
#include "sentiric/devices.h"

#include <algorithm>
#include <set>

#include "check.h"

using namespace sentiric;

TEST(Devices, TheProcessorIsOneOfThem) {
  const auto devices = ListDevices();
  ASSERT(devices);
  const auto is_cpu = [](const Device& device) { return device.kind == "cpu"; };
  const auto cpu = std::find_if(devices->begin(), devices->end(), is_cpu);
  ASSERT(cpu != devices->end());
  EXPECT_EQ(cpu->name, std::string("CPU"));
  EXPECT(!cpu->description.empty());
  EXPECT(cpu->total > cpu->free && cpu->free > 1 << 20);
}

TEST(Devices, NamesAreUnique) {
  const auto devices = ListDevices();
  ASSERT(devices);
  std::set<std::string> names;
  for (const Device& device : *devices) names.insert(device.name);
  EXPECT_EQ(names.size(), devices->size());
}
