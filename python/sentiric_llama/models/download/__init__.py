# SPDX-License-Identifier: AGPL-3.0-only
"""How bytes of a model file come from a hub or an address."""
