# SPDX-License-Identifier: AGPL-3.0-only
"""What a model file says about itself, read without native code."""
