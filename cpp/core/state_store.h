// SPDX-License-Identifier: AGPL-3.0-only
// KV states that left the decoder, in host memory.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/prefix_index.h"

namespace sentiric {

// What is known of a token sequence whose cells exist.
struct PrefixRecord {
  std::string scope;
  std::vector<Token> tokens;
  std::int32_t shared = 0;    // others may use the tokens below it
  RequestId owner = 0;        // may use all of them
  std::int32_t opening = 0;   // tokens before the end of the first thing a user says
  std::int32_t common = 0;    // two conversations are known to begin with the tokens below it
  std::int32_t shortest = 0;  // of a stored state: the fewest tokens that it can be cut to
};

struct StoredState {
  PrefixRecord record;
  std::vector<std::uint8_t> bytes;  // as Decoder::Save gave it
};

// Bounded in bytes, least recently used first out. One thread uses it.
class StateStore {
 public:
  explicit StateStore(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Whether a state of this size can be kept at all.
  bool Fits(std::uint64_t bytes) const { return bytes > 0 && bytes <= max_bytes_; }

  // Appends the holders that had to go to `dropped`. The state must fit.
  void Put(HolderId id, StoredState state, std::vector<HolderId>* dropped);
  // Null when unknown; counts as a use. Valid until the next Put or Erase.
  const StoredState* Find(HolderId id);
  const PrefixRecord* Peek(HolderId id) const;  // not a use
  void Erase(HolderId id);

  std::uint64_t num_bytes() const { return num_bytes_; }
  std::size_t size() const { return states_.size(); }

 private:
  struct Entry {
    HolderId id;
    StoredState state;
  };
  using Entries = std::list<Entry>;

  const std::uint64_t max_bytes_;
  std::uint64_t num_bytes_ = 0;
  Entries entries_;  // most recently used first
  std::unordered_map<HolderId, Entries::iterator> states_;
};

}  // namespace sentiric
