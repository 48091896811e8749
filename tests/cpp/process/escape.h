// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

namespace sentiric::testing {

// Tries what the sandbox of an engine process should refuse. Writes a line for each attempt to
// standard error, which is the log: "I escape LAYER WHAT: ERROR", or "... done" if it succeeded.
void TryToEscape();

}  // namespace sentiric::testing
