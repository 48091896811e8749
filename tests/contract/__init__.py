# SPDX-License-Identifier: AGPL-3.0-only
"""Requests made from the OpenAPI document, against a real server: `make contract`."""
