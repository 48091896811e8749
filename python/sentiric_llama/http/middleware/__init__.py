# SPDX-License-Identifier: AGPL-3.0-only
"""What every request passes before its route."""
