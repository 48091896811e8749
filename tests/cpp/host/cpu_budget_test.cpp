// SPDX-License-Identifier: AGPL-3.0-only
// How many CPUs a process may use: control groups in fake trees, the affinity of a real thread.
#include "host/cpu_budget.h"

#include <thread>

#include "check.h"
#include "fake_root.h"

#ifdef __linux__
#include <sched.h>
#include <unistd.h>
#endif

using namespace sentiric;

TEST(CpuBudget, NoGroupIsNoLimit) {
  const FakeRoot root;
  EXPECT_EQ(NumCpusOfGroups(root.path()), 0);
  root.Write("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 0);
  root.Write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 0);
}

TEST(CpuBudget, AContainerSeesItsGroupAsTheRoot) {
  const FakeRoot root;
  root.Write("proc/self/cgroup", "0::/\n");
  root.Write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 2);
}

TEST(CpuBudget, TheTightestGroupAboveCounts) {
  const FakeRoot root;
  root.Write("proc/self/cgroup", "0::/system.slice/llama.service\n");
  root.Write("sys/fs/cgroup/system.slice/llama.service/cpu.max", "800000 100000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 8);
  root.Write("sys/fs/cgroup/system.slice/cpu.max", "300000 100000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 3);
  root.Write("sys/fs/cgroup/system.slice/llama.service/cpu.max", "max 100000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 3);
}

TEST(CpuBudget, VersionOne) {
  const FakeRoot root;
  root.Write("proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n");
  root.Write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "-1\n");
  root.Write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 0);
  root.Write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "50000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 1);
}

TEST(CpuBudget, VersionOneInsideAContainer) {
  const FakeRoot root;
  // The path is the host's, the mount shows the group itself.
  root.Write("proc/self/cgroup", "4:cpu:/docker/abc\n");
  root.Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
  root.Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 4);
}

TEST(CpuBudget, AHiddenProcIsTheRootGroup) {
  const FakeRoot root;
  root.Write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 2);
}

TEST(CpuBudget, MalformedFilesAreNoLimit) {
  const FakeRoot root;
  root.Write("proc/self/cgroup", "nonsense\n::\n0::relative\n");
  root.Write("sys/fs/cgroup/cpu.max", "many\n");
  EXPECT_EQ(NumCpusOfGroups(root.path()), 0);
}

#ifdef __linux__
TEST(CpuBudget, FollowsTheAffinityOfTheThread) {
  std::thread([] {
    cpu_set_t allowed;
    ASSERT(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT(sched_setaffinity(0, sizeof one, &one) == 0);
    EXPECT_EQ(NumUsableCpus(), 1);
  }).join();
}
#endif

TEST(CpuBudget, QuotasRoundUpAndNoQuotaIsNoLimit) {
  EXPECT_EQ(CpusOfQuota("200000 100000"), 2);
  EXPECT_EQ(CpusOfQuota("150000 100000"), 2);
  EXPECT_EQ(CpusOfQuota("50000 100000"), 1);
  EXPECT_EQ(CpusOfQuota("max 100000"), 0);
  EXPECT_EQ(CpusOfQuota("-1 100000"), 0);
  EXPECT_EQ(CpusOfQuota(""), 0);
  EXPECT(NumUsableCpus() >= 1);
}
