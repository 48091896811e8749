// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/grammar/automaton/grammar.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// A grammar of the texts that a structure describes (docs/structured-output.md). Where it can be
// read in several ways, all of them are followed. Errors: kInvalidGrammar at the place of the node,
// see StructureWriter::Run and ReadStructure. Any thread.
Result<std::shared_ptr<const Grammar>> CompileStructure(std::string_view text);

// Why each of these structures cannot be compiled; empty where it can. All share one budget of
// work, of which each that cannot takes a part: when it is used up, the rest is refused without a
// look at it. Any thread.
std::vector<std::string> CheckStructures(const std::vector<std::string>& texts);

}  // namespace sentiric::grammar
