// SPDX-License-Identifier: AGPL-3.0-only
// The first command: the sandbox, which must be closed before there are other threads.
#pragma once

#include <optional>
#include <string_view>

#include "host/sandbox.h"
#include "process/frames.h"

namespace sentiric::process {

// Carries out `confine`, answers it and returns its rules. nullopt for any other command, and for a
// malformed one.
std::optional<SandboxRules> Confine(std::string_view bytes, FrameWriter* out);

}  // namespace sentiric::process
