# SPDX-License-Identifier: AGPL-3.0-only
"""Named events as JSON or text lines, and whose request each line belongs to."""
