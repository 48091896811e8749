// SPDX-License-Identifier: AGPL-3.0-only
#include "core/record/doing.h"

#include <chrono>

namespace sentiric::record {
namespace {

std::atomic<FlightPage*> current_page{nullptr};
std::atomic<Probe> current_probe{nullptr};

std::uint64_t Now() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
          .count());
}

// Takes a free record when the thread first does something, and frees it when the thread ends.
class ThreadSlot {
 public:
  ~ThreadSlot() {
    if (record_ != nullptr) record_->in_use.store(0, std::memory_order_release);
  }
  ThreadRecord* Get(FlightPage* page) {
    if (record_ != nullptr || page == nullptr) return record_;
    for (std::size_t i = 0; i < kMaxThreads; ++i) {
      std::uint32_t free = 0;
      if (!page->threads[i].in_use.compare_exchange_strong(free, 1)) continue;
      index_ = static_cast<int>(i);
      return record_ = &page->threads[i];
    }
    return nullptr;  // more threads than records: this one goes unnoted
  }
  int index() const { return index_; }
  const ThreadRecord* record() const { return record_; }

 private:
  ThreadRecord* record_ = nullptr;
  int index_ = -1;
};

thread_local ThreadSlot slot;

}  // namespace

void RecordInto(FlightPage* page) { current_page.store(page, std::memory_order_release); }

void SetProbe(Probe probe) { current_probe.store(probe); }

FlightPage* CurrentPage() { return current_page.load(std::memory_order_acquire); }

int ThisThread() { return slot.index(); }

RequestId ThisTag() {
  const ThreadRecord* record = slot.record();
  return record == nullptr ? 0 : record->tag.load(std::memory_order_relaxed);
}

Doing::Doing(Place place, RequestId tag) : record_(slot.Get(CurrentPage())) {
  if (record_ == nullptr) return;
  outer_place_ = record_->place.load(std::memory_order_relaxed);
  outer_tag_ = record_->tag.load(std::memory_order_relaxed);
  outer_since_ = record_->since_ns.load(std::memory_order_relaxed);
  if (tag != 0) record_->tag.store(tag, std::memory_order_relaxed);
  record_->since_ns.store(Now(), std::memory_order_relaxed);
  record_->place.store(static_cast<std::uint32_t>(place), std::memory_order_release);
  const Probe probe = current_probe.load(std::memory_order_relaxed);
  if (probe != nullptr) probe(place, record_->tag.load(std::memory_order_relaxed));
}

Doing::~Doing() {
  if (record_ == nullptr) return;
  record_->place.store(outer_place_, std::memory_order_release);
  record_->tag.store(outer_tag_, std::memory_order_relaxed);
  record_->since_ns.store(outer_since_, std::memory_order_relaxed);
}

BatchNote::BatchNote() : page_(CurrentPage()) {
  if (page_ == nullptr) return;
  page_->stepper.store(ThisThread(), std::memory_order_relaxed);
  page_->num_tags.store(0, std::memory_order_release);
}

void BatchNote::Add(RequestId tag) {
  if (page_ == nullptr) return;
  const std::uint64_t count = page_->num_tags.load(std::memory_order_relaxed);
  if (count == kMaxBatch) return;
  page_->tags[count].store(tag, std::memory_order_relaxed);
  page_->num_tags.store(count + 1, std::memory_order_release);
}

void Beat() {
  if (FlightPage* page = CurrentPage()) page->beats.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace sentiric::record
