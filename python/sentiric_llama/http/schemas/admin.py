# SPDX-License-Identifier: AGPL-3.0-only
"""The bodies of the routes that change the model."""

from __future__ import annotations

from sentiric_llama.http.schemas.body import Body


class SwitchBody(Body):
    """Which profile to load; with `stream` the answer is news until it is done."""

    profile: str | None = None
    stream: bool = False
