# SPDX-License-Identifier: AGPL-3.0-only
"""The use cases, the same for every protocol, and the model that answers them."""
