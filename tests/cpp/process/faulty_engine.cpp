// SPDX-License-Identifier: AGPL-3.0-only
// An engine process that fails where a request tells it to. A text with "!fault:PLACE:KIND" lets
// the thread that enters PLACE for this request crash, abort, throw, stand still or try to get out
// of the sandbox; a model whose path holds the same fails as it is loaded.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/record/doing.h"
#include "escape.h"
#include "process/serve.h"

namespace {

using sentiric::RequestId;
using sentiric::record::Place;

struct Fault {
  std::string place;
  std::string kind;
};

std::mutex mutex;
std::map<RequestId, Fault> faults;  // by the number of the stream or call
std::set<RequestId> sampled;        // streams whose prompt is computed

const std::map<std::string, Place> kPlaces = {
    {"load", Place::kLoad},           {"adapter", Place::kAdapter},
    {"template", Place::kTemplate},   {"grammar", Place::kGrammar},
    {"prefill", Place::kDecode},      {"decode", Place::kDecode},
    {"tokenizer", Place::kTokenizer}, {"sampling", Place::kSampling},
    {"embedding", Place::kEvaluate}};

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
  faults[tag.get<RequestId>()] = {text.substr(place, colon - place),
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
  if (kind == "escape") sentiric::testing::TryToEscape();
  while (kind == "hang") std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

// A call of the backend is "prefill" for a stream until its first token is sampled, then "decode".
std::string KindFor(Place place, RequestId tag) {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = faults.find(tag);
  if (found == faults.end()) return "";
  if (place == Place::kSampling) sampled.insert(tag);
  const Fault& fault = found->second;
  if (kPlaces.at(fault.place) != place) return "";
  if (place == Place::kDecode && (fault.place == "decode") != (sampled.count(tag) > 0)) return "";
  return fault.kind;
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
  if (argc == 2 && std::string(argv[1]) == "escape")
    sentiric::testing::TryToEscape();  // in no sandbox
  if (argc != 4) return 64;
  sentiric::record::SetProbe(Probe);
  return sentiric::process::Serve({std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3])},
                                  See);
}
