# SPDX-License-Identifier: AGPL-3.0-only
"""Who calls, and what a caller may do."""
