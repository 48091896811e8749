# SPDX-License-Identifier: AGPL-3.0-only
"""The server that the clients talk to: the service as it is, over an engine that says a script."""
