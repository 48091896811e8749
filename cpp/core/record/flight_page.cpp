// SPDX-License-Identifier: AGPL-3.0-only
#include "core/record/flight_page.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "core/record/stat_fields.h"

namespace sentiric::record {
namespace {

// A reader gives up a version that is being written after so many tries: the writer may be dead.
constexpr int kMaxTries = 10000;

template <typename T>
std::uint64_t Bits(T value) {
  std::uint64_t bits = 0;
  static_assert(sizeof(T) <= sizeof(bits));
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <typename T>
T Value(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

StatsAndCapacity ReadOnce(const FlightPage& page) {
  StatsAndCapacity found;
  std::size_t next = 0;
  ForEachStat([&](const char*, auto member) {
    using T = std::remove_reference_t<decltype(found.stats.*member)>;
    found.stats.*member = Value<T>(page.stats[next++].load(std::memory_order_acquire));
  });
  const auto number = [&](int i) {
    return Value<std::int32_t>(page.capacity[i].load(std::memory_order_acquire));
  };
  found.capacity = {number(0), number(1), number(2)};
  return found;
}

}  // namespace

FlightPage* MakeFlightPage(void* memory) {
  auto* page = new (memory) FlightPage();
  page->magic.store(FlightPage::kMagic, std::memory_order_release);
  return page;
}

const FlightPage* FindFlightPage(const void* memory, std::size_t size) {
  if (memory == nullptr || size < sizeof(FlightPage)) return nullptr;
  const auto* page = static_cast<const FlightPage*>(memory);
  const bool is_made = page->magic.load(std::memory_order_acquire) == FlightPage::kMagic;
  return is_made ? page : nullptr;
}

// A sequence lock. Every store releases and every load acquires, so that none passes the version.
void WriteStats(const EngineStats& stats, const Capacity& capacity, FlightPage* page) {
  page->stats_version.fetch_add(1, std::memory_order_acq_rel);
  std::size_t next = 0;
  ForEachStat([&](const char*, auto member) {
    page->stats[next++].store(Bits(stats.*member), std::memory_order_release);
  });
  page->capacity[0].store(Bits(capacity.active), std::memory_order_release);
  page->capacity[1].store(Bits(capacity.total), std::memory_order_release);
  page->capacity[2].store(Bits(capacity.available), std::memory_order_release);
  page->stats_version.fetch_add(1, std::memory_order_release);
}

void WriteLine(const std::vector<Queued>& line, FlightPage* page) {
  const std::size_t count = std::min(line.size(), kLongestLine);
  for (std::size_t i = 0; i < count; ++i) {
    page->line[i].store(line[i].tag, std::memory_order_relaxed);
  }
  page->num_line.store(count, std::memory_order_release);
}

std::vector<std::uint64_t> ReadLine(const FlightPage& page) {
  const auto count =
      std::min<std::uint64_t>(page.num_line.load(std::memory_order_acquire), kLongestLine);
  std::vector<std::uint64_t> tags;
  for (std::uint64_t i = 0; i < count; ++i) tags.push_back(page.line[i].load());
  return tags;
}

StatsAndCapacity ReadStats(const FlightPage& page) {
  StatsAndCapacity found;
  for (int i = 0; i < kMaxTries; ++i) {
    const std::uint64_t before = page.stats_version.load(std::memory_order_acquire);
    found = ReadOnce(page);
    const std::uint64_t after = page.stats_version.load(std::memory_order_relaxed);
    if (before == after && before % 2 == 0) break;
  }
  return found;
}

}  // namespace sentiric::record
