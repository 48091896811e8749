# SPDX-License-Identifier: AGPL-3.0-only
"""Thousands of requests that must be refused, beside a stream that must not notice."""

from __future__ import annotations

import random
import urllib.parse
from collections.abc import Callable

from benchmarks.load.wire import request
from benchmarks.scenario import Figure, Metrics, Run, compare, sizes
from benchmarks.scenarios.bodies import beside_a_stream, send
from benchmarks.scenarios.load import CHAT, LoadScenario
from benchmarks.servers import Server

_PATHS = ("/v1/models/switch", "/v1/hardware/config", "/v1/models", "/metrics", CHAT)
_TAILS = ("%0a", "%0d", "%00", "%09", "%20", ";", "//", "/..", "%2f", "%2F..", "?", "%c2%85")
_LETTERS = "ab./\\\0\n-_~%é"


def random_path(dice: random.Random) -> str:
    """A request that changes something, under a path that is almost its own."""
    path = dice.choice(_PATHS)
    at = dice.randrange(1, len(path) + 1)
    return request("POST", path[:at] + dice.choice(_TAILS) + path[at:], "{}")


def random_adapter(dice: random.Random) -> str:
    """A chat with an adapter of an odd name."""
    name = "".join(dice.choices(_LETTERS, k=dice.randint(1, 60)))
    name = dice.choice(("", "/etc/", "../", "/dev/zero/../")) + name
    fields = {"lora_adapter": name, "max_tokens": 1}
    return request("POST", CHAT, {"messages": [{"role": "user", "content": "x"}], **fields})


def random_query(dice: random.Random) -> str:
    """A question about a model of an odd name."""
    name = urllib.parse.quote_from_bytes(dice.randbytes(dice.randint(1, 40)))
    return request("GET", f"/v1/models/{name}")


KINDS: dict[str, tuple[str, Callable[[random.Random], str]]] = {
    "paths": ("mutated paths of what changes the server", random_path),
    "adapters": ("names of adapters", random_adapter),
    "models": ("names of models", random_query),
}


class Strangers(LoadScenario):
    """One kind after the other, each beside a stream of its own."""

    name = "load-strangers"
    title = "2 000 requests to refuse, beside a stream: the stream's longest gap"
    context_size = 8192
    loads = sizes(quick={"requests": 200}, standard={"requests": 2000, "tokens": 8000})
    figures = (
        *(compare(label, "s", f"{name}_gap_s") for name, (label, _) in KINDS.items()),
        compare("the stream for itself", "s", "alone_gap_s"),
        Figure("the longest of all", "s", "ours.gap_s", goal="<= 0.1"),
        Figure("requests that were let through", "", "ours.let_through", goal="<= 0"),
    )

    def measure(self, side: Server, run: Run, number: int) -> Metrics:
        metrics: Metrics = {"alone_gap_s": 0.0, "let_through": 0, "gap_s": 0.0}
        for name, (_, make) in KINDS.items():
            dice = random.Random(run.seed + number)
            wires = [make(dice).encode() for _ in range(self.load(run)["requests"])]

            def act(wires: list[bytes] = wires) -> int:
                return sum(send(side.port, wire) == 200 for wire in wires)

            found = beside_a_stream(self, side, run, number, act)
            metrics["alone_gap_s"] = max(metrics["alone_gap_s"], found["alone"])
            metrics["let_through"] += found["status"]
            metrics["gap_s"] = max(metrics["gap_s"], found["gap_s"])
            metrics[f"{name}_gap_s"] = found["gap_s"]
        return metrics
