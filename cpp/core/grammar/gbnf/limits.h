// SPDX-License-Identifier: AGPL-3.0-only
// Limits for the size and complexity of a grammar. Each is checked before the work it bounds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sentiric::grammar {

// The defaults are for GBNF written by a client.
struct Limits {
  std::size_t text_bytes = 64 * 1024;
  std::uint32_t depth = 64;          // nested groups
  std::uint32_t rules = 2000;        // names defined or referred to
  std::uint32_t repetition = 1000;   // m and n of {m,n}
  std::uint32_t chain = 64;          // rules entered in a row before any character
  std::uint32_t elements = 200'000;  // compiled instructions, and nodes of the parsed text
  // Refuses what is legal but certainly a mistake: repeating an item that can match nothing, and
  // rules without a finite text. Otherwise both are compiled exactly: the former costs nothing, the
  // latter is left out where possible.
  bool strict = true;

  static Limits ForClient() { return Limits{}; }

  // For text generated from a JSON schema: the schema has limits of its own, and its regular
  // expressions may nest deeply, count far and repeat empty groups. Counting is free, nothing
  // recurses.
  static Limits ForSchema() {
    Limits limits;
    limits.text_bytes = 1024 * 1024;
    limits.depth = 20'000;
    limits.rules = 100'000;
    limits.repetition = INT32_MAX;
    limits.chain = 100'000;
    limits.elements = 1'500'000;
    limits.strict = false;
    return limits;
  }
};

inline bool operator==(const Limits& x, const Limits& y) {
  return x.text_bytes == y.text_bytes && x.depth == y.depth && x.rules == y.rules &&
         x.repetition == y.repetition && x.chain == y.chain && x.elements == y.elements &&
         x.strict == y.strict;
}

}  // namespace sentiric::grammar
