# SPDX-License-Identifier: AGPL-3.0-only
"""Statistics across engine processes: counters go on where the last process left them."""

from __future__ import annotations

from dataclasses import fields, replace

from sentiric_llama.engine.process.client import EngineClient
from sentiric_llama.types import EngineStats

GAUGES = frozenset(
    (
        *("queued", "preparing", "prefilling", "decoding", "waiting", "reader_waits"),
        *("queued_tokens", "kv_cells", "kv_tokens", "resting_tokens", "resting_sequences"),
        *("host_cache_bytes", "disk_cache_bytes", "prefill_budget", "adapters_loaded"),
        *("step_error", "request_ms_mean", "step_ms_mean"),
    )
)
"""Fields that say what is now; the others count."""


class Counts:
    """Adds what dead processes have counted to what the current one counts."""

    def __init__(self) -> None:
        self._before = EngineStats()

    def bury(self, client: EngineClient, num_live: int) -> None:
        """Keeps the counters of a dead process. The next one counts its live requests again."""
        last = client.page.stats()
        last = replace(last, requests_submitted=last.requests_submitted - num_live)
        self._before = self._sum(last)

    def stats(self, client: EngineClient | None, num_refused: int) -> EngineStats:
        now = client.page.stats() if client is not None else EngineStats()
        found = self._sum(now)
        return replace(found, requests_rejected=found.requests_rejected + num_refused)

    def _sum(self, now: EngineStats) -> EngineStats:
        both = {
            f.name: getattr(now, f.name)
            + (0 if f.name in GAUGES else getattr(self._before, f.name))
            for f in fields(EngineStats)
        }
        return EngineStats(**both)
