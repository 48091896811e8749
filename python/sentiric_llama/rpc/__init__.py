# SPDX-License-Identifier: AGPL-3.0-only
"""The gRPC API. The build generates `generated` from `proto`."""

from sentiric_llama.host.environment import set_default_variable

# gRPC's core writes to standard error, past our log. It reads this variable when imported.
set_default_variable("GRPC_VERBOSITY", "NONE")
