# SPDX-License-Identifier: AGPL-3.0-only
"""Request bodies: one model for each kind. Values are checked here, once."""
