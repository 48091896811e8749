# SPDX-License-Identifier: AGPL-3.0-only
"""Authentication and authorization: who calls, and what a caller may do."""
