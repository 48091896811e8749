# SPDX-License-Identifier: AGPL-3.0-only
"""The server process: listens, loads, serves all protocols, drains."""
