# SPDX-License-Identifier: AGPL-3.0-only
"""`ps`: what a running server does, once or live."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from sentiric_llama.commands._server import add_server, server_of
from sentiric_llama.messages import say
from sentiric_llama.terminal import Terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Once or again each second."""
    parser.epilog = "  {program} ps\n  {program} ps --watch\n  {program} ps --watch --json | jq .\n"
    text = say("again each second, until Ctrl-C")
    parser.add_argument("-w", "--watch", action="store_true", help=text)
    add_server(parser, timeout_s=10, has_grpc=False)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the state; with --watch and --json one object a line."""
    server = server_of(arguments)
    if arguments.watch:
        return _watch(server.events("/v1/stats/stream"), terminal)
    from sentiric_llama.client.server import error_of

    answer = server.get("/v1/stats")
    if answer.status != 200:
        raise error_of(answer, "/v1/stats")
    if terminal.as_json:
        terminal.answer_json(answer.body)
    else:
        terminal.answer_table((say("FACT"), say("VALUE")), rows_of(answer.body))
    return 0


def _watch(snapshots: Iterator[dict[str, Any]], terminal: Terminal) -> int:
    import json

    if terminal.as_json or not terminal.is_rich(sys.stdout):
        for snapshot in snapshots:
            if terminal.as_json:
                terminal.answer(json.dumps(snapshot, ensure_ascii=False))
            else:
                terminal.answer("  ".join(f"{k}: {v}" for k, v in rows_of(snapshot)))
        return 0
    from rich.live import Live

    with Live(console=terminal.console(sys.stdout), auto_refresh=False) as live:
        try:
            for snapshot in snapshots:
                live.update(_drawn(snapshot), refresh=True)
        except KeyboardInterrupt:
            return 0
    return 0


def _drawn(snapshot: dict[str, Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in rows_of(snapshot):
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def rows_of(snapshot: dict[str, Any]) -> list[tuple[str, str]]:
    """What people want to know first; unknown numbers are a dash."""
    contexts, queue = _part(snapshot, "contexts"), _part(snapshot, "queue")
    requests, model = _part(snapshot, "requests"), _part(snapshot, "model")
    service, rates = _part(snapshot, "service"), _part(snapshot, "rates")
    return [
        (say("model"), str(model.get("id") or "–")),
        (say("state"), f"{service.get('state', '–')}, {_seconds(service.get('uptime_s'))}"),
        (say("contexts"), f"{_bar(contexts)} {contexts.get('active')}/{contexts.get('total')}"),
        (say("queue"), _number(queue.get("waiting"))),
        (
            say("requests"),
            say(
                "{total} in all, {ok} good, {cancelled} cancelled, {error} failed",
                **{k: requests.get(k, 0) for k in ("total", "ok", "cancelled", "error")},
            ),
        ),
        *((name, _number(value)) for name, value in _flat("", rates) if name != "window s"),
        *_percentiles(_part(snapshot, "latency")),
        *((name, _number(value)) for name, value in _flat("cache", _part(snapshot, "cache"))),
        *((name, _bytes(value)) for name, value in _flat("memory", _memory(snapshot))),
        *_gpus(_part(snapshot, "memory")),
    ]


def _memory(snapshot: dict[str, Any]) -> dict[str, Any]:
    """What is known: a machine without a GPU has nothing to say about its memory."""
    part = _part(snapshot, "memory")
    return {k: v for k, v in part.items() if isinstance(v, int | float)}


def _gpus(memory: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """One row for each GPU."""
    for gpu in memory.get("gpus") or ():
        used, total = _bytes(gpu.get("used_bytes")), _bytes(gpu.get("total_bytes"))
        yield f"{gpu.get('name')} {gpu.get('description')}", f"{used} / {total}"


def _part(snapshot: dict[str, Any], name: str) -> dict[str, Any]:
    part = snapshot.get(name)
    return part if isinstance(part, dict) else {}


def _flat(name: str, part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Numbers of nested objects under their joined names."""
    for key, value in part.items():
        joined = f"{name} {key}".strip().replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(joined, value)
        else:
            yield joined, value


def _percentiles(latency: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """One row for each measure that has percentiles."""
    for key, value in latency.items():
        if isinstance(value, dict):
            cells = (f"{name} {_number(value.get(name))}" for name in ("p50", "p95", "p99"))
            yield key.replace("_", " "), "  ".join(cells)


def _bar(contexts: dict[str, Any]) -> str:
    total, active = int(contexts.get("total") or 0), int(contexts.get("active") or 0)
    cells = min(total, 32)
    filled = round(cells * active / total) if total else 0
    return "█" * filled + "░" * (cells - filled)


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def _bytes(value: Any) -> str:
    return f"{value / 2**20:,.0f} MiB" if isinstance(value, int | float) and value else "–"


def _seconds(value: Any) -> str:
    if not isinstance(value, int | float):
        return "–"
    minutes, seconds = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
