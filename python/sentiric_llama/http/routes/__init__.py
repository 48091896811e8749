# SPDX-License-Identifier: AGPL-3.0-only
"""One module for each group of routes."""
