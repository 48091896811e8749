# SPDX-License-Identifier: AGPL-3.0-only
"""The engine in a process of its own, which is replaced when it dies."""
