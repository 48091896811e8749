# SPDX-License-Identifier: AGPL-3.0-only
"""Downloads of model files, from the hub and from plain URLs."""
