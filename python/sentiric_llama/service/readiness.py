# SPDX-License-Identifier: AGPL-3.0-only
"""Where the service is in its life."""

from __future__ import annotations

from enum import StrEnum

from sentiric_llama.errors import Unavailable


class NotReady(Unavailable):
    """No model is loaded yet, loading failed, or the service is shutting down."""


class Readiness(StrEnum):
    """Where the service is in its life; READY tells balancers to send work."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STALLED = "stalled"
    """The engine has work and makes no progress."""
    DRAINING = "draining"
