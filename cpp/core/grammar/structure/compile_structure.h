// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>
#include <string_view>

#include "core/grammar/automaton/grammar.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// A grammar of the texts that a structure describes (docs/structured-output.md). Where it can be
// read in several ways, all of them are followed. Errors: kInvalidGrammar at the place of the node,
// see StructureWriter::Run and ReadStructure. Any thread.
Result<std::shared_ptr<const Grammar>> CompileStructure(std::string_view text);

}  // namespace sentiric::grammar
