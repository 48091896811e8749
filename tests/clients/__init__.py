# SPDX-License-Identifier: AGPL-3.0-only
"""Real client packages against a real server, whose model is a script."""
