# SPDX-License-Identifier: AGPL-3.0-only
"""Anthropic's Messages API: the same use cases as OpenAI's chat, in another contract."""
