# SPDX-License-Identifier: AGPL-3.0-only
"""The models of the service: loaded, looked up by name, exchanged."""
