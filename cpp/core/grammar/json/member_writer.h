// SPDX-License-Identifier: AGPL-3.0-only
// Objects whose members stand between marks, as some models write the arguments of calls:
// <parameter=city>Ankara</parameter>.
#pragma once

#include <set>
#include <string>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/plan/plan.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

struct MemberNotation {
  std::string begin;         // before a name
  std::string raw_key_end;   // between a name and a text that stands as it is
  std::string json_key_end;  // between a name and a value that is JSON; may be the same
  std::string end;           // behind a value; no text contains it
  std::string after;         // behind `end`
  // Names of members that are texts only, which stand as they are. Other texts do so only where the
  // ends of keys differ, or where they cannot be taken for JSON.
  std::set<std::string> raw;
};

struct WrittenMembers {
  Sub sub = 0;
  bool nullable = false;  // an object without members is allowed
};

// Those of a plan for WriteMembers.
PlainNames NamesOf(const MemberNotation& notation);

// The objects of the root of the plan. `space` may stand between JSON tokens.
// kInvalidGrammar without a place, see ValueWriter::Finish.
Result<WrittenMembers> WriteMembers(const Plan& plan, const MemberNotation& notation, Sub space,
                                    ProgramWriter* program);

}  // namespace sentiric::grammar
