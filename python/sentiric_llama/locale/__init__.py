# SPDX-License-Identifier: AGPL-3.0-only
"""What people read, in English and Turkish."""
