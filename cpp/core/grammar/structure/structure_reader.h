// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string_view>

#include "core/grammar/structure/structure_node.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Reads a structure (docs/structured-output.md). Schemas and patterns in it are not looked at.
// Errors: kInvalidGrammar at "structure:LINE:COLUMN" of a text that is no JSON (see ParseJson), and
// at the place of a node that is none, such as "structure/sequence/1/repeat". Recursion is as deep
// as the limit.
Result<StructureNode> ReadStructure(std::string_view text, const StructureLimits& limits = {});

}  // namespace sentiric::grammar
