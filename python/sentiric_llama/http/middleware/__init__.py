# SPDX-License-Identifier: AGPL-3.0-only
"""Checks that every request passes before its route."""
