# SPDX-License-Identifier: AGPL-3.0-only
"""The OpenAPI document as a page: plain HTML, without scripts, without anything from elsewhere."""
