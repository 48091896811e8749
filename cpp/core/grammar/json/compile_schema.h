// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <memory>
#include <string_view>

#include "core/grammar/automaton/grammar.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// A grammar of the JSON texts that the schema (JSON Schema 2020-12, draft-07 or OpenAPI 3.0) calls
// valid: members in the order of the schema, each name once, between tokens nothing, a space, or a
// line break or two with up to 20 spaces or tabs. docs/structured-output.md lists the keywords.
//
// Errors: kInvalidGrammar at "json_schema:POINTER" when the schema is malformed, uses what cannot
// be enforced, is over a limit or has no valid value. Any thread.
Result<std::shared_ptr<const Grammar>> CompileSchema(std::string_view schema);

}  // namespace sentiric::grammar
