# SPDX-License-Identifier: AGPL-3.0-only
"""One process: listens, loads, serves all protocols, drains."""
