# SPDX-License-Identifier: AGPL-3.0-only
"""Suites of conversations that a running server must answer sensibly."""
