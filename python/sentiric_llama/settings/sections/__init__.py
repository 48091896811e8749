# SPDX-License-Identifier: AGPL-3.0-only
"""The sections of the settings, one class each; `config.Settings` joins them."""
