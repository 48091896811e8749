# SPDX-License-Identifier: AGPL-3.0-only
"""Trains the guide, the tiny model that answers when no real model is configured."""
