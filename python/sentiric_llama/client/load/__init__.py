# SPDX-License-Identifier: AGPL-3.0-only
"""A load generator that does not flatter: tokens from usage, fresh prompts, percentiles."""
