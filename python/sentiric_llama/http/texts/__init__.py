# SPDX-License-Identifier: AGPL-3.0-only
"""Routes that take texts or token ids as they are: completions and embeddings."""
