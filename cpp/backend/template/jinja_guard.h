// SPDX-License-Identifier: AGPL-3.0-only
// Puts guards (jinja_nodes.h) around all nodes of a template's syntax tree.
#pragma once

#include <cstddef>

#include "jinja/runtime.h"

namespace sentiric::backend {

// A program with guards runs only while its thread has a RenderBudget. Returns the number of names
// of variables in it. Throws a std::exception for too many names and for unknown kinds of nodes.
std::size_t PlantGuards(jinja::program* program);

}  // namespace sentiric::backend
