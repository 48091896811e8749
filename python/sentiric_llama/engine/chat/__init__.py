# SPDX-License-Identifier: AGPL-3.0-only
"""Conversations with tools and thoughts: what the library and the service share."""
