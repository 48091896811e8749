# SPDX-License-Identifier: AGPL-3.0-only
"""Custom tools of OpenAI's APIs: tools with one text, which a model calls as functions."""
