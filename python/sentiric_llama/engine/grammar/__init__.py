# SPDX-License-Identifier: AGPL-3.0-only
"""What constrains an answer, also without a model: check texts, explain faults, make masks."""
