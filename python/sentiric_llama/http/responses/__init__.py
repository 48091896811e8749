# SPDX-License-Identifier: AGPL-3.0-only
"""OpenAI's Responses API: `/v1/responses`, which stores no response."""
