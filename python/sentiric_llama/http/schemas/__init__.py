# SPDX-License-Identifier: AGPL-3.0-only
"""The JSON of the API: one pydantic model per request body, and one per answer."""
