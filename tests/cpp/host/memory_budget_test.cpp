// SPDX-License-Identifier: AGPL-3.0-only
// How much memory a process may still touch: control groups in fake trees. The rules themselves
// are tested through the binding, in tests/python/settings/test_fit.py.
#include "host/memory_budget.h"

#include "check.h"
#include "fake_root.h"

using namespace sentiric;

TEST(MemoryBudget, NothingIsKnownWithoutProc) { EXPECT(MemoryBudgets(FakeRoot().path()).empty()); }

TEST(MemoryBudget, TheTightestFirstUnderItsOwnName) {
  const FakeRoot root;
  root.Write("proc/meminfo", "MemTotal: 4 kB\nMemFree: 1 kB\nMemAvailable: 2 kB\n");
  root.Write("proc/self/cgroup", "0::/pod/main\n");
  root.Write("sys/fs/cgroup/pod/main/memory.max", "max\n");
  root.Write("sys/fs/cgroup/pod/memory.max", "1000\n");
  root.Write("sys/fs/cgroup/pod/memory.current", "700\n");
  root.Write("sys/fs/cgroup/pod/memory.stat", "anon 1\ninactive_file 200\n");
  const auto budgets = MemoryBudgets(root.path());
  ASSERT(budgets.size() == 2u);
  EXPECT_EQ(budgets[0].name, std::string("cgroup limit memory.max of /pod"));
  EXPECT_EQ(budgets[0].free, 500u);
  EXPECT_EQ(budgets[0].total, 1000u);
  EXPECT_EQ(budgets[1].name, std::string("RAM"));
  EXPECT_EQ(budgets[1].free, 2048u);
}

TEST(MemoryBudget, UsageAboveTheLimitLeavesNothing) {
  const FakeRoot root;
  root.Write("sys/fs/cgroup/memory.max", "1000\n");  // the hidden membership is the root's
  root.Write("sys/fs/cgroup/memory.current", "1500\n");
  const auto budgets = MemoryBudgets(root.path());
  ASSERT(budgets.size() == 1u);
  EXPECT_EQ(budgets[0].free, 0u);
  EXPECT_EQ(budgets[0].name, std::string("cgroup limit memory.max of /"));
}

TEST(MemoryBudget, KillsAreCountedByTheGroupElseByTheMachine) {
  const FakeRoot root;
  EXPECT_EQ(OutOfMemoryKills(root.path()), 0u);
  root.Write("proc/vmstat", "nr_free_pages 7\noom_kill 9\n");
  EXPECT_EQ(OutOfMemoryKills(root.path()), 9u);
  root.Write("proc/self/cgroup", "4:memory:/old\n0::/pod\n");
  root.Write("sys/fs/cgroup/pod/memory.events", "oom 3\noom_kill 2\n");
  EXPECT_EQ(OutOfMemoryKills(root.path()), 2u);
  root.Write("sys/fs/cgroup/memory/old/memory.oom_control", "under_oom 0\noom_kill 1\n");
  EXPECT_EQ(OutOfMemoryKills(root.path()), 1u);
}

TEST(MemoryBudget, ThisProcessHasSome) { EXPECT(FreeMemoryBytes() > 1 << 20); }
