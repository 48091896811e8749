// SPDX-License-Identifier: AGPL-3.0-only
#include "core/record/flight_page.h"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "check.h"
#include "core/record/doing.h"
#include "core/record/stat_fields.h"

namespace sentiric::record {
namespace {

// The threads of this process write into it from its first use on.
FlightPage& ThePage() {
  static FlightPage* page = [] {
    auto* made = new FlightPage();
    RecordInto(MakeFlightPage(made));
    return made;
  }();
  return *page;
}

std::vector<Place> PlacesOf(const FlightPage& page) {
  std::vector<Place> places;
  for (const ThreadRecord& thread : page.threads) {
    const auto place = static_cast<Place>(thread.place.load());
    if (thread.in_use.load() != 0 && place != Place::kIdle) places.push_back(place);
  }
  return places;
}

TEST(FlightPage, IsFoundOnlyWhereItWasMade) {
  auto memory = std::make_unique<FlightPage>();
  EXPECT(FindFlightPage(memory.get(), sizeof(FlightPage)) == nullptr);
  MakeFlightPage(memory.get());
  EXPECT(FindFlightPage(memory.get(), sizeof(FlightPage)) == memory.get());
  EXPECT(FindFlightPage(memory.get(), sizeof(FlightPage) - 1) == nullptr);
  EXPECT(FindFlightPage(nullptr, sizeof(FlightPage)) == nullptr);
}

// Each field has another value, so that an exchange of two would be seen.
TEST(FlightPage, EveryStatisticComesBack) {
  FlightPage page;
  EngineStats stats;
  int next = 1;
  ForEachStat([&](const char*, auto member) {
    stats.*member = static_cast<std::remove_reference_t<decltype(stats.*member)>>(next++);
  });
  EXPECT(next - 1 <= static_cast<int>(kMaxStats));
  stats.step_ms_mean = 0.25;
  WriteStats(stats, {1, 4, 3}, &page);
  const StatsAndCapacity found = ReadStats(page);
  ForEachStat([&](const char* name, auto member) {
    EXPECT_EQ(std::string(name) + std::to_string(found.stats.*member),
              std::string(name) + std::to_string(stats.*member));
  });
  EXPECT_EQ(found.capacity.active, 1);
  EXPECT_EQ(found.capacity.total, 4);
  EXPECT_EQ(found.capacity.available, 3);
}

TEST(FlightPage, ReadersNeverSeeHalfAWrite) {
  constexpr std::uint64_t kWrites = 5000;
  FlightPage page;
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= kWrites; ++i) {
      EngineStats stats;
      stats.steps = stats.decode_calls = i;
      WriteStats(stats, {}, &page);
      std::this_thread::sleep_for(std::chrono::microseconds(1));  // as between steps
    }
  });
  std::uint64_t last = 0, torn = 0;
  while (last < kWrites) {
    const EngineStats seen = ReadStats(page).stats;
    torn += seen.steps != seen.decode_calls;
    last = seen.steps;
  }
  writer.join();
  EXPECT_EQ(torn, std::uint64_t{0});
}

TEST(FlightPage, AWriterThatDiedDoesNotHoldUpReaders) {
  FlightPage page;
  page.stats_version.store(1);
  EXPECT_EQ(ReadStats(page).stats.steps, std::uint64_t{0});
}

TEST(FlightPage, TheLineComesBackAsFarAsItFits) {
  FlightPage page;
  EXPECT(ReadLine(page).empty());
  WriteLine({{1, 11}, {2, 12}}, &page);
  EXPECT(ReadLine(page) == (std::vector<std::uint64_t>{11, 12}));
  WriteLine(std::vector<Queued>(kLongestLine + 5), &page);
  EXPECT_EQ(ReadLine(page).size(), kLongestLine);
  page.num_line.store(~std::uint64_t{0});  // a process that was taken over may write anything
  EXPECT_EQ(ReadLine(page).size(), kLongestLine);
}

TEST(Doing, NotesPlacesAndReturnsToTheOuterOne) {
  const FlightPage& page = ThePage();
  std::thread([&] {
    const Doing outer(Place::kTokenizer, 7);
    EXPECT_EQ(ThisTag(), RequestId{7});
    {
      const Doing inner(Place::kTemplate);
      EXPECT(PlacesOf(page) == std::vector<Place>{Place::kTemplate});
      EXPECT_EQ(ThisTag(), RequestId{7});  // works for the same request
    }
    EXPECT(PlacesOf(page) == std::vector<Place>{Place::kTokenizer});
    EXPECT(ThisThread() >= 0);
  }).join();
  EXPECT(PlacesOf(page).empty());
}

TEST(Doing, RecordsAreUsedAgain) {
  const FlightPage& page = ThePage();
  for (std::size_t i = 0; i < 3 * kMaxThreads; ++i) {
    std::thread([] { const Doing doing(Place::kGrammar, 1); }).join();
  }
  EXPECT(PlacesOf(page).empty());
}

TEST(Doing, MoreThreadsThanRecordsGoUnnoted) {
  ThePage();
  std::vector<std::thread> threads;
  std::atomic<std::size_t> arrived{0}, unnoted{0};
  for (std::size_t i = 0; i < kMaxThreads + 5; ++i) {
    threads.emplace_back([&] {
      const Doing doing(Place::kGrammar, 1);
      unnoted += ThisThread() < 0;
      ++arrived;
      while (arrived.load() < kMaxThreads + 5) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT(unnoted.load() >= 5);
}

TEST(Doing, TheBatchIsThatOfTheLastCall) {
  const FlightPage& page = ThePage();
  std::thread([&] {
    const Doing doing(Place::kStep);
    {
      BatchNote note;
      for (RequestId tag = 1; tag <= kMaxBatch + 5; ++tag) note.Add(tag);
    }
    EXPECT_EQ(page.num_tags.load(), std::uint64_t{kMaxBatch});
    BatchNote note;
    note.Add(9);
    EXPECT_EQ(page.num_tags.load(), std::uint64_t{1});
    EXPECT_EQ(page.tags[0].load(), std::uint64_t{9});
    EXPECT_EQ(page.stepper.load(), ThisThread());
  }).join();
}

}  // namespace
}  // namespace sentiric::record
