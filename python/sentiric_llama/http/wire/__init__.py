# SPDX-License-Identifier: AGPL-3.0-only
"""Connections and framing below the application: who gets a place, and who gives way."""
