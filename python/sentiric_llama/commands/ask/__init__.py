# SPDX-License-Identifier: AGPL-3.0-only
"""Commands that put a model to work."""
