# SPDX-License-Identifier: AGPL-3.0-only
"""What a connection costs: kept or fresh, and among many that say nothing."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

from benchmarks.load import wire

TIMEOUT_S = 15.0


def kept_and_fresh(plan: dict[str, Any]) -> dict[str, Any]:
    """Each request in turn on the kept connection and on a fresh one: seconds of both, paired."""
    found: dict[str, list[float]] = {}
    for name, (kept, fresh) in plan["requests"].items():
        with _connect(plan["port"]) as connection:
            _ask(connection, kept.encode())
            for _ in range(plan["rounds"]):
                found.setdefault(f"{name}_kept", []).append(
                    _timed(lambda c=connection, r=kept: _ask(c, r.encode()))  # type: ignore[misc]
                )
                found.setdefault(f"{name}_fresh", []).append(
                    _timed(lambda r=fresh: _once(plan["port"], r))  # type: ignore[misc]
                )
    return found


def idle(plan: dict[str, Any]) -> dict[str, Any]:
    """Many connections that say nothing; meanwhile each kind of request some times, one by one."""
    with contextlib.ExitStack() as stack:
        opened = 0
        for _ in range(plan["connections"]):
            with contextlib.suppress(OSError):
                stack.enter_context(_connect(plan["port"], timeout=1.0))
                opened += 1
        time.sleep(plan["settle"])
        rows = []
        for _ in range(plan["rounds"]):
            for name, text in plan["requests"].items():
                started = time.monotonic()
                status = _status(plan["port"], text)
                rows.append({"kind": name, "status": status, "s": time.monotonic() - started})
            time.sleep(plan["pause"])
    return {"opened": opened, "rows": rows}


def _status(port: int, text: str) -> int:
    """0 when there was no answer in time."""
    try:
        return _once(port, text)
    except (OSError, ValueError):
        return 0


def _once(port: int, text: str) -> int:
    with _connect(port) as connection:
        return _ask(connection, text.encode())


def _connect(port: int, timeout: float = TIMEOUT_S) -> socket.socket:
    connection = socket.create_connection((wire.HOST, port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(TIMEOUT_S)
    return connection


def _ask(connection: socket.socket, request: bytes) -> int:
    """Reads exactly one answer, of a known length or in chunks. ValueError for half of one."""
    connection.sendall(request)
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _receive(connection)
    head = data[:end].lower()
    _, named, rest = head.partition(b"content-length:")
    length = int(rest.split(b"\r\n")[0]) if named else 0
    while len(data) < end + 4 + length or (not named and not data.endswith(b"\r\n0\r\n\r\n")):
        data += _receive(connection)
    return int(head.split(b" ")[1])


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    if not data:
        raise ValueError("the connection ended within an answer")
    return data


def _timed(ask: Callable[[], int]) -> float:
    started = time.perf_counter()
    status = ask()
    taken = time.perf_counter() - started
    if status != 200:
        raise ValueError(f"status {status}")
    return taken
