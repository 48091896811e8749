// SPDX-License-Identifier: AGPL-3.0-only
// An engine process that fails where a request tells it to. A text with "!fault:PLACE:KIND" lets
// the thread that enters PLACE for this request crash, abort, throw or stand still; a model whose
// path holds the same fails as it is loaded.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/record/doing.h"
#include "process/serve.h"

namespace {

using sentiric::RequestId;
using sentiric::record::Place;

struct Fault {
  Place place;
  std::string kind;
};

std::mutex mutex;
std::map<RequestId, Fault> faults;  // by the number of the stream or call

const std::map<std::string, Place> kPlaces = {
    {"load", Place::kLoad},        {"adapter", Place::kAdapter},     {"template", Place::kTemplate},
    {"grammar", Place::kGrammar},  {"tokenizer", Place::kTokenizer}, {"decode", Place::kDecode},
    {"sampling", Place::kSampling}};

// Notes what a command asks for.
void See(std::string_view bytes) {
  const std::string text(bytes);
  const std::size_t at = text.find("!fault:");
  if (at == std::string::npos) return;
  const std::size_t place = at + 7, colon = text.find(':', place);
  const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz", colon + 1);
  const auto command = nlohmann::json::parse(text);
  const auto tag = command.contains("stream") ? command["stream"] : command["call"];
  const std::lock_guard<std::mutex> lock(mutex);
  faults[tag.get<RequestId>()] = {kPlaces.at(text.substr(place, colon - place)),
                                  text.substr(colon + 1, end - colon - 1)};
}

void Fail(const std::string& kind) {
  if (kind == "segv") {
    volatile int* nowhere = nullptr;
    *nowhere = 1;
  }
  if (kind == "abort") std::abort();
  if (kind == "throw") std::thread([] { throw std::runtime_error("a text of a prompt"); }).join();
  if (kind == "kill") raise(SIGKILL);
  while (kind == "hang") std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

std::string KindFor(Place place, RequestId tag) {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = faults.find(tag);
  return found != faults.end() && found->second.place == place ? found->second.kind : "";
}

void Probe(Place place, RequestId tag) {
  if (place != Place::kDecode) return Fail(KindFor(place, tag));
  const sentiric::record::FlightPage* page = sentiric::record::CurrentPage();
  for (std::uint64_t i = 0; i < page->num_tags.load(); ++i) {
    Fail(KindFor(place, page->tags[i].load()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  sentiric::record::SetProbe(Probe);
  return sentiric::process::Serve({std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3])},
                                  See);
}
