# SPDX-License-Identifier: AGPL-3.0-only
"""The messages of the method Chat, and our own values."""
