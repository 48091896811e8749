# SPDX-License-Identifier: AGPL-3.0-only
"""JSON schemas as grammars: how long they take to compile, and the token masks along a text."""
