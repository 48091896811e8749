# SPDX-License-Identifier: AGPL-3.0-only
"""The state that all connections of a port share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sentiric_llama.http.wire.load_shedding import LoadShedder
from sentiric_llama.http.wire.seats import Seats
from sentiric_llama.http.wire.turns import Turns


@dataclass(slots=True)
class Port:
    """Limits, counters and queues."""

    seats: Seats
    statuses: Counter[int] = field(default_factory=Counter)
    """Status -> number of responses sent without the application."""
    shedder: LoadShedder | None = None
    turns: Turns = field(default_factory=Turns)
    urgent: Turns = field(default_factory=Turns)
    """For health probes, which do not queue behind other requests."""
