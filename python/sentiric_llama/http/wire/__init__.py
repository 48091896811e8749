# SPDX-License-Identifier: AGPL-3.0-only
"""Connections below the application: accepting, limits, framing, deadlines."""
