# SPDX-License-Identifier: AGPL-3.0-only
"""The handlers of the routes, one module per group."""
