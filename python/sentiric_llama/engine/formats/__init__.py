# SPDX-License-Identifier: AGPL-3.0-only
"""How models write their answers: thoughts, text and calls of tools, each in its own format."""
