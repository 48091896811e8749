# SPDX-License-Identifier: AGPL-3.0-only
"""Statistics across engine processes: counters go on where the last process left them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from sentiric_llama.engine.process.client import EngineClient
from sentiric_llama.errors import Cancelled, Overloaded, SentiricLlamaError
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


@dataclass(slots=True)
class Requests:
    """Every request counts once, however many processes have worked on it."""

    submitted: int = 0
    completed: int = 0
    """However they ended, as in the engine of this process."""
    cancelled: int = 0
    failed: int = 0
    rejected: int = 0

    def end(self, error: SentiricLlamaError | None = None, *, is_resumed: bool = False) -> None:
        """Counts the end of a submitted request."""
        if isinstance(error, Overloaded) and not is_resumed:  # the engine did not take it
            self.submitted -= 1
            self.rejected += 1
            return
        self.completed += 1
        if isinstance(error, Cancelled):
            self.cancelled += 1
        elif error is not None:
            self.failed += 1


class Counts:
    """Adds what dead processes have counted to what the current one counts."""

    def __init__(self) -> None:
        self.requests = Requests()
        self._before = EngineStats()

    def retire(self, client: EngineClient) -> None:
        """Keeps the counters of a dead process."""
        self._before = self._sum(client.page.stats())

    def stats(self, client: EngineClient | None) -> EngineStats:
        found = self._sum(client.page.stats() if client is not None else EngineStats())
        own = {f"requests_{f.name}": getattr(self.requests, f.name) for f in fields(Requests)}
        return replace(found, **own)

    def _sum(self, now: EngineStats) -> EngineStats:
        both = {
            f.name: getattr(now, f.name)
            + (0 if f.name in GAUGES else getattr(self._before, f.name))
            for f in fields(EngineStats)
        }
        return EngineStats(**both)
