// SPDX-License-Identifier: AGPL-3.0-only
// Notes what a thread is doing in the flight page of its process. Without a page, as in a library,
// it costs a comparison.
#pragma once

#include "core/record/flight_page.h"

namespace sentiric::record {

// From now on all threads of the process write into `page`, which stays mapped. Call it once,
// before threads that Doing is used on; there is no way back.
void RecordInto(FlightPage* page);
// The page; null without one.
FlightPage* CurrentPage();

// The index of the calling thread's record; -1 without one. Safe in a signal handler.
int ThisThread();

// The request that the calling thread works for; 0 for none.
RequestId ThisTag();

// Called on the thread that enters a place, with the request that it then works for: tests let it
// fail there. Set it before threads that Doing is used on.
using Probe = void (*)(Place, RequestId);
void SetProbe(Probe probe);

// While it lives, the thread is at this place, for this request. Nests: the outer place returns.
// Without a tag of its own, it works for the same request as the outer one.
class Doing {
 public:
  explicit Doing(Place place, RequestId tag = 0);
  ~Doing();
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

 private:
  ThreadRecord* const record_;
  std::uint32_t outer_place_ = 0;
  std::uint64_t outer_tag_ = 0;
  std::uint64_t outer_since_ = 0;
};

// Notes the requests of the batch that the calling thread decodes, and that it runs the steps.
class BatchNote {
 public:
  BatchNote();
  void Add(RequestId tag);

 private:
  FlightPage* const page_;
};

// A sign of life from inside a long step. Any thread.
void Beat();

}  // namespace sentiric::record
