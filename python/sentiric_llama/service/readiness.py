# SPDX-License-Identifier: AGPL-3.0-only
"""The states of the service."""

from __future__ import annotations

from enum import StrEnum

from sentiric_llama.errors import Unavailable


class NotReady(Unavailable):
    """No model is loaded yet, loading failed, or the service is shutting down."""


class Readiness(StrEnum):
    """The state of the service. Only READY makes load balancers send requests."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STALLED = "stalled"
    """The engine has work and makes no progress."""
    RESTARTING = "restarting"
    """The engine's process died; requests wait for the next one."""
    DRAINING = "draining"
