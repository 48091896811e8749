# SPDX-License-Identifier: AGPL-3.0-only
"""Commands that look at or change a running server."""
