# SPDX-License-Identifier: AGPL-3.0-only
"""The settings class, its table, units, sources and checks."""
