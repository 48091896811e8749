# SPDX-License-Identifier: AGPL-3.0-only
"""A conversation on a terminal."""
