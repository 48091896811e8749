# SPDX-License-Identifier: AGPL-3.0-only
"""The gRPC face of the service. `generated` is made from `proto` by the build."""

from sentiric_llama.host.environment import set_default_variable

# gRPC's core writes lines of its own past our log, and reads this when it is imported.
set_default_variable("GRPC_VERBOSITY", "NONE")
