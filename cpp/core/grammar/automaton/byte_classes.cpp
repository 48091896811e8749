// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/automaton/byte_classes.h"

namespace sentiric::grammar {

ByteClasses FindByteClasses(const Program& program) {
  std::array<bool, 257> starts{};
  starts[0] = true;
  const auto mark = [&starts](std::uint8_t first, std::uint8_t last) {
    starts[first] = true;
    starts[std::size_t{last} + 1] = true;
  };
  for (const Instr& instr : program.code) {
    if (instr.op == Op::kByte) mark(instr.first, instr.last);
  }
  for (const Edge& edge : program.edges) mark(edge.first, edge.last);
  ByteClasses classes;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (starts[byte]) classes.representative.push_back(static_cast<std::uint8_t>(byte));
    classes.of_byte[byte] = static_cast<std::uint8_t>(classes.representative.size() - 1);
  }
  return classes;
}

}  // namespace sentiric::grammar
