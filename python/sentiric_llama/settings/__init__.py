# SPDX-License-Identifier: AGPL-3.0-only
"""Around the settings class of `config.py`: its table, units, sources and checks."""
