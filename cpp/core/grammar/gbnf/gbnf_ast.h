// SPDX-License-Identifier: AGPL-3.0-only
// A parsed GBNF text in a flat arena. Children come before their parents, so every pass is a loop,
// and deep nesting cannot exhaust the stack.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/grammar/automaton/program.h"
#include "core/grammar/regular/code_points.h"

namespace sentiric::grammar {

using NodeId = std::uint32_t;
using RuleId = std::uint32_t;
inline constexpr NodeId kNoNode = UINT32_MAX;

enum class NodeKind : std::uint8_t {
  kLiteral,   // ast.bytes[first, first + count)
  kClass,     // ast.classes[first]
  kRef,       // ast.rules[first]
  kSequence,  // ast.children[first, first + count); empty = the empty text
  kChoice,    // ast.children[first, first + count), at least two
  kRepeat,    // node `first`, min..max times
};

struct Node {
  NodeKind kind = NodeKind::kSequence;
  std::uint32_t offset = 0;  // in the text, for messages; that of the operator for a repetition
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t min = 0;
  std::uint32_t max = 0;  // kUnlimited = no bound
};

struct Rule {
  std::string name;
  std::uint32_t offset = 0;  // of the definition, or of the first use
  NodeId body = kNoNode;     // never kNoNode in a parsed text
};

struct Ast {
  std::vector<Node> nodes;
  std::vector<NodeId> children;
  std::string bytes;                            // of literals, UTF-8
  std::vector<std::vector<CodeRange>> classes;  // normalised, distinct, never empty
  std::vector<Rule> rules;
  RuleId root = 0;
};

}  // namespace sentiric::grammar
