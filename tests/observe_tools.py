# SPDX-License-Identifier: AGPL-3.0-only
"""Reading a scrape: samples by name and labels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.log.trace import CURRENT_TRACE, Trace
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings

Body = Callable[[LlamaService], Awaitable[None]]


class Scrape:
    """One text of /metrics."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    @classmethod
    def of(cls, registry: CollectorRegistry) -> Scrape:
        return cls(generate_latest(registry).decode())

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels."""
        found = self._matching(name, labels)
        assert found, f"no {name} {labels}"
        return sum(found)

    def has(self, name: str, **labels: str) -> bool:
        return bool(self._matching(name, labels))

    def _matching(self, name: str, labels: dict[str, str]) -> list[float]:
        return [
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def series(self) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
        """(name, type, labels, help) of each family, as the reference lists them."""
        for family in self.families:
            counter = family.type == "counter"
            name = family.name + ("_total" if counter else "")
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            yield name, family.type, tuple(sorted(labels)), family.documentation


def run_service(
    body: Body,
    engine: Callable[[], FakeEngine] = FakeEngine,
    protocol: str = "http",
    **settings: Any,
) -> LlamaService:
    """Runs `body` with a ready service, as a request of `protocol`, and gives the service back."""

    async def main() -> LlamaService:
        service = LlamaService(Settings(**settings))
        service.attach(engine(), ServedModel("m"))
        token = CURRENT_TRACE.set(Trace(protocol=protocol))
        try:
            await body(service)
        finally:
            CURRENT_TRACE.reset(token)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1 and not service.request_metrics.running
        return service

    return asyncio.run(main())
