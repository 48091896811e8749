# SPDX-License-Identifier: AGPL-3.0-only
"""What tests of answers share."""
