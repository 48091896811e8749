# SPDX-License-Identifier: AGPL-3.0-only
"""What becomes of a call before the engine gets it."""
