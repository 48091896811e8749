# SPDX-License-Identifier: AGPL-3.0-only
"""Whether structures can be compiled, without keeping what is compiled."""

from __future__ import annotations

from collections.abc import Sequence

from sentiric_llama import _host


def problems_of(structures: Sequence[str]) -> list[str]:
    """Why each of these texts cannot be compiled; "" where it can.

    All together may cost what one schema may: what comes after that is refused unseen.
    """
    return _host.check_structures(list(structures))
