# SPDX-License-Identifier: AGPL-3.0-only
"""Structured logging: named events as JSON or text lines, with the ids of their request."""
