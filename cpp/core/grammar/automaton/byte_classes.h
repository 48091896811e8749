// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/automaton/program.h"

namespace sentiric::grammar {

// The classes of bytes that the code of a finished program tells apart. Linear.
ByteClasses FindByteClasses(const Program& program);

}  // namespace sentiric::grammar
