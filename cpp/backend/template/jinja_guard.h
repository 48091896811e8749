// SPDX-License-Identifier: AGPL-3.0-only
// Puts guards (jinja_nodes.h) around every node of a template's syntax tree.
#pragma once

#include <cstddef>

#include "jinja/runtime.h"

namespace sentiric::backend {

// A program with guards runs only while the thread has a RenderBudget. Returns how many names it
// gives to variables. Throws a std::exception when these are too many, or the tree holds a kind of
// node that nobody knows here.
std::size_t PlantGuards(jinja::program* program);

}  // namespace sentiric::backend
