# SPDX-License-Identifier: AGPL-3.0-only
"""What callers ask with: conversations."""
