# SPDX-License-Identifier: AGPL-3.0-only
"""Certificates: read and checked, rotated without a restart, made for development."""
