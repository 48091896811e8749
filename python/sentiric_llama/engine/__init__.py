# SPDX-License-Identifier: AGPL-3.0-only
"""The face of the native engine: the only room that imports `_core`."""
