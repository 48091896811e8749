# SPDX-License-Identifier: AGPL-3.0-only
"""A neighbour: one stream that is read as fast as it comes, and the times of its pieces."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from typing import Any

from benchmarks.load import wire


def stream(plan: dict[str, Any]) -> dict[str, Any]:
    """Until SIGTERM, then it leaves. The monotonic clock is the same in all processes.

    Writes a line when the first text is here, or never will be.
    """
    pieces: wire.Pieces = []
    runs = False
    connection = socket.create_connection((wire.HOST, plan["port"]), timeout=60)

    def leave(*_: object) -> None:
        with contextlib.suppress(OSError):  # it is over already
            connection.shutdown(socket.SHUT_RDWR)

    signal.signal(signal.SIGTERM, leave)
    with connection:
        connection.sendall(plan["request"].encode())
        while data := connection.recv(1 << 16):
            pieces.append((time.monotonic(), data))
            if not runs and any(wire.texts_of(pieces)):
                runs = True
                print("it runs", flush=True)
    if not runs:
        print("it ended", flush=True)
    is_whole = b"[DONE]" in b"".join(data for _, data in pieces[-3:])
    stamps = list(wire.texts_of(pieces))
    return {"status": wire.status_of(pieces), "stamps": stamps, "is_whole": is_whole}
