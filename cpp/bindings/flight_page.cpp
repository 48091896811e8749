// SPDX-License-Identifier: AGPL-3.0-only
// The flight page of an engine process, read by the process that started it.
#include "core/record/flight_page.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "bindings/bindings.h"
#include "core/record/stat_fields.h"
#include "host/shared_memory.h"

namespace sentiric::bindings {
namespace py = pybind11;

namespace {

using record::FlightPage;

// Never writes, and trusts nothing that it reads: the engine process may be in anybody's hands.
class PageReader {
 public:
  explicit PageReader(int fd) : memory_(fd, sizeof(FlightPage), /*is_writable=*/false) {
    if (memory_.data() == nullptr) throw std::runtime_error("the flight page cannot be mapped");
  }

  // Null until the engine process has made it.
  const FlightPage* page() const { return record::FindFlightPage(memory_.data(), memory_.size()); }

 private:
  const SharedMemory memory_;
};

py::dict Stats(const PageReader& self) {
  py::dict found;
  const FlightPage* page = self.page();
  const EngineStats stats = page == nullptr ? EngineStats{} : record::ReadStats(*page).stats;
  record::ForEachStat([&](const char* name, auto member) { found[name] = stats.*member; });
  return found;
}

std::tuple<int, int, int> CapacityOf(const PageReader& self) {
  const FlightPage* page = self.page();
  const Capacity found = page == nullptr ? Capacity{} : record::ReadStats(*page).capacity;
  return {found.active, found.total, found.available};
}

std::tuple<int, int, int, int> Crash(const PageReader& self) {
  const FlightPage* page = self.page();
  if (page == nullptr) return {0, 0, 0, -1};
  const record::CrashRecord& crash = page->crash;
  return {crash.signal.load(), crash.code.load(), crash.sender.load(), crash.thread.load()};
}

// (index, place, tag, since in ns) of each thread that is at a place.
std::vector<std::tuple<int, std::uint32_t, std::uint64_t, std::uint64_t>> Threads(
    const PageReader& self) {
  std::vector<std::tuple<int, std::uint32_t, std::uint64_t, std::uint64_t>> found;
  const FlightPage* page = self.page();
  for (std::size_t i = 0; page != nullptr && i < record::kMaxThreads; ++i) {
    const record::ThreadRecord& thread = page->threads[i];
    if (thread.in_use.load() == 0 || thread.place.load() == 0) continue;
    found.emplace_back(static_cast<int>(i), thread.place.load(), thread.tag.load(),
                       thread.since_ns.load());
  }
  return found;
}

std::vector<std::uint64_t> BatchOf(const PageReader& self) {
  std::vector<std::uint64_t> tags;
  const FlightPage* page = self.page();
  if (page == nullptr) return tags;
  const auto count = std::min<std::uint64_t>(page->num_tags.load(), record::kMaxBatch);
  for (std::uint64_t i = 0; i < count; ++i) tags.push_back(page->tags[i].load());
  return tags;
}

std::vector<std::uint64_t> LineOf(const PageReader& self) {
  const FlightPage* page = self.page();
  return page == nullptr ? std::vector<std::uint64_t>() : record::ReadLine(*page);
}

}  // namespace

void BindFlightPage(py::module_* module) {
  py::class_<PageReader> page(*module, "FlightPage");
  page.def(py::init<int>(), py::arg("fd"))
      .def("stats", &Stats, "EngineStats by field.")
      .def("capacity", &CapacityOf, "(active, total, available)")
      .def("crash", &Crash, "(signal, si_code, sender, thread); signal 0 without a crash.")
      .def("threads", &Threads, "(index, place, tag, since in ns) of threads that work.")
      .def("batch", &BatchOf, "The tags of the requests of the last decode call.")
      .def("line", &LineOf, "The tags of the requests that wait, the next one first.")
      .def_property_readonly("is_made",
                             [](const PageReader& self) { return self.page() != nullptr; })
      .def_property_readonly(
          "beats",
          [](const PageReader& self) { return self.page() ? self.page()->beats.load() : 0; })
      .def_property_readonly("stepper", [](const PageReader& self) {
        return self.page() ? self.page()->stepper.load() : -1;
      });
  page.attr("SIZE") = sizeof(FlightPage);
}

}  // namespace sentiric::bindings
