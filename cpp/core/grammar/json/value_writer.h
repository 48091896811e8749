// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/grammar/automaton/program_writer.h"
#include "core/grammar/json/list_notation.h"
#include "core/grammar/plan/plan.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// White space between JSON tokens: nothing, a space, or one or two line breaks and an indent.
Sub WriteSpace(ProgramWriter* program);

// Those of a plan for a ValueWriter with such a `quote`.
PlainNames NamesOf(const std::string& quote);

// Writes a subroutine for each place of a plan that is asked for, and those that it leads to.
class ValueWriter {
 public:
  // JSON, with `space` between its tokens. All must outlive the writer.
  ValueWriter(const Plan& plan, Sub space, ProgramWriter* program);
  // Without spaces; names stand as they are, and texts between two `quote`, which they do not
  // contain: {city:<|"|>Ankara<|"|>,days:3}.
  ValueWriter(const Plan& plan, Sub space, std::string quote, ProgramWriter* program);
  ValueWriter(const ValueWriter&) = delete;
  ValueWriter& operator=(const ValueWriter&) = delete;

  // Where the value will be written; Finish() does it.
  Sub SubOf(Expr expr);
  // kInvalidGrammar without a place when names or items that must differ make too large an
  // automaton, when the notation cannot write a value, and when it takes too much work.
  Status Finish();

 private:
  void WriteValue(Expr expr);
  void WriteTexts(const PlannedValue& value, std::vector<Pc>* ways);

  const Plan& plan_;
  const Sub space_;
  const std::string quote_;  // empty: JSON
  ProgramWriter& program_;
  ListNotation notation_;
  Status status_;
  std::optional<Dfa> unquoted_;  // texts without `quote_`
  std::unordered_map<Expr, Sub> subs_;
  std::vector<Expr> todo_;
};

}  // namespace sentiric::grammar
