// SPDX-License-Identifier: AGPL-3.0-only
// A structure: what an answer may be, put together from texts, schemas and patterns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/grammar/json/member_writer.h"
#include "core/grammar/regular/length_window.h"
#include "core/grammar/schema/json_value.h"

namespace sentiric::grammar {

struct StructureNode {
  enum class Kind : std::uint8_t {
    kText,      // `text`
    kSequence,  // all children, one after the other
    kChoice,    // one of the children
    kRepeat,    // the child, from `times.min` to `times.max` times, with `text` between them
    kFree,      // any text that contains none of `parts`
    kSchema,    // the JSON of a value that `schema` describes; see also `quote`
    kMembers,   // an object that `schema` describes, as `members` writes it
    kRaw,       // a string that `schema` describes, as it is, that contains none of `parts`
    kRegex,     // what the whole of the pattern `text` matches
    kGbnf,      // what the grammar `text` matches
  };

  Kind kind = Kind::kText;
  std::string text;
  std::vector<StructureNode> children;
  LengthWindow times;
  std::vector<std::string> parts;
  JsonValue schema;
  std::string quote;  // see ValueWriter; empty: JSON
  MemberNotation members;
};

// As it is written in a structure and in the places of errors.
std::string_view KindName(StructureNode::Kind kind);

struct StructureLimits {
  std::size_t depth = 64;
  std::size_t nodes = 20'000;
  std::size_t parts = 32;
  std::size_t part_bytes = 256;
  std::uint32_t times = 1'000;
};

}  // namespace sentiric::grammar
