// SPDX-License-Identifier: AGPL-3.0-only
// Plans against what the library allocates: parts, growth, and refusals like those of a start.
#include "sentiric/memory_plan.h"

#include "check.h"
#include "guide.h"

using namespace sentiric;
using namespace sentiric::testing;

namespace {

DeviceMemory HostOf(const EngineConfig& config) {
  return std::move(PlanMemory(config)).value().devices.back();
}

}  // namespace

TEST(MemoryPlan, WeightsAreTheModels) {
  const DeviceMemory host = HostOf(GuideConfig());
  EXPECT_EQ(host.name, std::string("host"));
  // Buffers round each tensor up to their alignment.
  const double size = static_cast<double>(Guide()->Describe().size_bytes);
  EXPECT(static_cast<double>(host.weights) >= size);
  EXPECT(static_cast<double>(host.weights) <= size * 1.02);
  EXPECT(host.total > 0);
}

TEST(MemoryPlan, TheCacheGrowsWithContextsAndTheirSize) {
  const DeviceMemory one = HostOf(GuideConfig(1, 256));
  EXPECT_EQ(HostOf(GuideConfig(3, 256)).cache, 3 * one.cache);
  EXPECT_EQ(HostOf(GuideConfig(1, 1024)).cache, 4 * one.cache);
  EngineConfig wide = GuideConfig(1, 256);
  wide.cache_type_k = wide.cache_type_v = "f32";
  EXPECT_EQ(HostOf(wide).cache, 2 * one.cache);
}

TEST(MemoryPlan, ComputeGrowsWithTheBatch) {
  EngineConfig small = GuideConfig();
  small.batch_size = small.physical_batch_size = 64;
  EXPECT(HostOf(GuideConfig()).compute > HostOf(small).compute);
}

TEST(MemoryPlan, SaysTheContextSizeOfTheModel) {
  const MemoryPlan plan = std::move(PlanMemory(GuideConfig(2, 0))).value();
  EXPECT_EQ(plan.context_size, plan.context_train);
  EXPECT_EQ(plan.contexts, 2);
  EXPECT(plan.num_layers > 0);
}

TEST(MemoryPlan, PlansWhatCouldNeverBeAllocated) {
  const DeviceMemory host = HostOf(GuideConfig(256, 1 << 20));
  EXPECT_EQ(host.cache, (std::uint64_t{256} << 12) * HostOf(GuideConfig(1, 256)).cache);
  EXPECT(host.cache > std::uint64_t{100} << 30);
}

TEST(MemoryPlan, WhatIsTooLargeToLayOutContinuesTheLine) {
  // The first is laid out, the second is just too large for it.
  const DeviceMemory below = HostOf(GuideConfig(64, 16384));
  const DeviceMemory above = HostOf(GuideConfig(65, 16384));
  EXPECT_EQ(above.cache, below.cache / 64 * 65);
  EXPECT(above.compute > below.compute * 95 / 100);
  EXPECT(above.compute < below.compute * 105 / 100);
}

TEST(MemoryPlan, RefusesLikeAStart) {
  EngineConfig config = GuideConfig();
  config.model_path = "absent.gguf";
  EXPECT(PlanMemory(config).error().code == ErrorCode::kModelNotFound);
  config = GuideConfig(0);
  EXPECT(PlanMemory(config).error().code == ErrorCode::kInvalidArgument);
  config = GuideConfig();
  config.cache_type_k = "odd";
  EXPECT(PlanMemory(config).error().code == ErrorCode::kInvalidArgument);
}
