// SPDX-License-Identifier: AGPL-3.0-only
// How objects and arrays are written: as JSON, or as the formats of calls of some models have them.
#pragma once

#include <functional>
#include <string>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/plan/list_graph.h"

namespace sentiric::grammar {

struct ListNotation {
  std::string object_begin = "{";
  std::string object_end = "}";
  std::string array_begin = "[";
  std::string array_end = "]";
  std::string separator = ",";
  bool has_space = true;  // between tokens
  std::string name_begin = "\"";
  std::string name_end = "\"";
  bool is_spelled = true;   // names have JSON's escapes; otherwise no name contains `name_end`
  std::string colon = ":";  // between `name_end` and a value
  // A value, then `next`.
  std::function<Pc(const Slot& slot, Pc next)> value;
};

}  // namespace sentiric::grammar
