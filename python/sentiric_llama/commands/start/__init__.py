# SPDX-License-Identifier: AGPL-3.0-only
"""Commands that set up and start a server."""
