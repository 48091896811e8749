// SPDX-License-Identifier: AGPL-3.0-only
// The first command: the sandbox, which must be closed before there are other threads.
#pragma once

#include <string_view>

#include "process/frames.h"

namespace sentiric::process {

// Carries out `confine` and answers it. False for any other command, and for a malformed one.
bool Confine(std::string_view bytes, FrameWriter* out);

}  // namespace sentiric::process
