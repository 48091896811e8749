# SPDX-License-Identifier: AGPL-3.0-only
"""`ps`: what a running server does, once or live."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any

from sentiric_llama.commands._server import add_server, server_of
from sentiric_llama.host.printable import printable_line
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say, say_many

RATES = {
    "prompt_tokens_per_s": "prompt tokens/s",
    "generated_tokens_per_s": "generated tokens/s",
    "requests_per_s": "requests/s",
}
TIMES = {
    "ttft_ms": "time to first token ms",
    "per_token_ms": "time per token ms",
    "queue_ms": "queue ms",
    "prefill_ms": "prefill ms",
    "total_ms": "total ms",
}
"""Keys of `/v1/stats` -> their names for people."""
MOST_CALLS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Once or again each second."""
    parser.epilog = "  {program} ps\n  {program} ps --watch\n  {program} ps --watch --json | jq .\n"
    text = say("refresh every second until Ctrl-C")
    parser.add_argument("-w", "--watch", action="store_true", help=text)
    add_server(parser, timeout_s=10, has_grpc=False)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the state; with --watch and --json one object a line."""
    server = server_of(arguments, reads_statistics=True)
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
    """Until Ctrl-C: a table that changes in its place, or a line for each snapshot."""
    with contextlib.suppress(KeyboardInterrupt):
        if terminal.as_json or not terminal.can_redraw:
            _print_lines(snapshots, terminal)
            return 0
        with terminal.live_table() as table:
            for snapshot in snapshots:
                table.show(rows_of(snapshot))
    return 0


def _print_lines(snapshots: Iterator[dict[str, Any]], terminal: Terminal) -> None:
    for snapshot in snapshots:
        if terminal.as_json:
            terminal.answer_json_line(snapshot)
        else:
            cells = (f"{name}: {value}" for name, value in rows_of(snapshot))
            terminal.answer("  ".join(map(printable_line, cells)))


def rows_of(snapshot: dict[str, Any]) -> list[tuple[str, str]]:
    """What people want to know first; unknown numbers are a dash."""
    contexts, model = _part(snapshot, "contexts"), _part(snapshot, "model")
    service, rates = _part(snapshot, "service"), _part(snapshot, "rates")
    state = say(str(service.get("state", "–")))
    queue = _number(_part(snapshot, "queue").get("waiting"))
    return [
        (say("model"), str(model.get("id") or "–")),
        (say("state"), f"{state}, {_seconds(service.get('uptime_s'))}"),
        *_process(_part(model, "engine_process")),
        (say("contexts"), f"{_bar(contexts)} {contexts.get('active')}/{contexts.get('total')}"),
        (say("queue"), queue),
        (say("requests"), _requests(_part(snapshot, "requests"))),
        *((say(name), _number(rates.get(key))) for key, name in RATES.items()),
        *_percentiles(_part(snapshot, "latency")),
        *_cache(_part(snapshot, "cache")),
        *_memory(_part(snapshot, "memory")),
        *_running(snapshot.get("running")),
    ]


def _process(process: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The process that the engine runs in, if it has its own."""
    if process:
        pid, restarts = process.get("pid"), int(process.get("restarts") or 0)
        forms = "{pid}, {count} restart", "{pid}, {count} restarts"
        yield say("engine process"), say_many(restarts, *forms, pid=pid)


def _requests(requests: dict[str, Any]) -> str:
    counts = {name: requests.get(name, 0) for name in ("total", "ok", "cancelled", "error")}
    return say("{total} total, {ok} ok, {cancelled} cancelled, {error} failed", **counts)


def _percentiles(latency: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """One row for each measure."""
    for key, name in TIMES.items():
        values = _part(latency, key)
        cells = (f"{share} {_number(values.get(share))}" for share in ("p50", "p95", "p99"))
        yield say(name), "  ".join(cells)


def _cache(cache: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the prefix cache saves and holds."""
    ratio = cache.get("hit_ratio")
    yield say("prompt cache hits"), "–" if ratio is None else f"{100 * ratio:.0f} %"
    used, cells = _number(cache.get("kv_tokens")), _number(cache.get("kv_cells"))
    yield say("KV cells in use"), f"{used} / {cells}"
    kept, stored = _number(cache.get("resting_tokens")), _bytes(cache.get("host_cache_bytes"))
    yield say("KV cells caching prefixes"), kept
    yield say("evicted KV state in RAM"), stored
    yield (
        say("preempted, evicted"),
        ", ".join(_number(cache.get(name)) for name in ("preemptions", "prefix_evictions")),
    )


def _memory(memory: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The process, and one row for each GPU."""
    resident, own = _bytes(memory.get("resident_bytes")), _bytes(memory.get("anonymous_bytes"))
    yield say("memory"), say("{resident}, {own} private", resident=resident, own=own)
    for gpu in memory.get("gpus") or ():
        used, total = _bytes(gpu.get("used_bytes")), _bytes(gpu.get("total_bytes"))
        yield f"{gpu.get('name')} {gpu.get('description')}", f"{used} / {total}"


def _running(calls: Any) -> Iterator[tuple[str, str]]:
    """The oldest calls, by the ids that the log has."""
    known = calls if isinstance(calls, list) else []
    for call in known[:MOST_CALLS]:
        text = say(
            "{endpoint} over {protocol}, {phase}, {tokens} tokens, {seconds} s",
            endpoint=call.get("endpoint"),
            protocol=call.get("protocol"),
            phase=say(str(call.get("phase"))),
            tokens=call.get("tokens"),
            seconds=f"{(call.get('age_ms') or 0) / 1e3:.1f}",
        )
        yield str(call.get("request_id") or "–")[:12], text
    if len(known) > MOST_CALLS:
        yield "…", say("{count} more", count=len(known) - MOST_CALLS)


def _part(snapshot: dict[str, Any], name: str) -> dict[str, Any]:
    part = snapshot.get(name)
    return part if isinstance(part, dict) else {}


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
    return f"{value / 2**20:,.0f} MiB" if isinstance(value, int | float) else "–"


def _seconds(value: Any) -> str:
    if not isinstance(value, int | float):
        return "–"
    minutes, seconds = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
