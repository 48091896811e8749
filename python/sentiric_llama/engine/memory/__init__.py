# SPDX-License-Identifier: AGPL-3.0-only
"""What an engine needs of memory, and settings that fit into what is free."""
