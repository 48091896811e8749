# SPDX-License-Identifier: AGPL-3.0-only
"""Commands that work on model files."""
