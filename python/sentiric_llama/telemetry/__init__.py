# SPDX-License-Identifier: AGPL-3.0-only
"""What the service measures about itself; `metrics` publishes it."""
