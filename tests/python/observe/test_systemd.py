# SPDX-License-Identifier: AGPL-3.0-only
"""What systemd hears, on a socket like its own."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.host.environment import systemd_socket
from sentiric_llama.server.systemd import Notifier
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@sentiric-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind("\0" + name[1:] if name.startswith("@") else name)
        bound.setblocking(False)
        yield name, bound


def heard(bound: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(bound.recv(4096).decode())
        except BlockingIOError:
            return messages


async def life(address: str) -> None:
    """Loading, ready, stalled, draining; one beat in each."""
    service = LlamaService(Settings())
    notifier = Notifier(service, address)
    service.on_state_change.append(notifier.on_state)
    notifier.on_beat()
    service.attach(FakeEngine(), ServedModel("m"))
    notifier.on_beat()
    service.watchdog.is_stalled = True
    notifier.on_beat()
    service.watchdog.is_stalled = False
    service.begin_drain()
    notifier.on_beat()


def run(address: str) -> None:
    asyncio.run(life(address))


def test_a_whole_life(listener: tuple[str, socket.socket]) -> None:
    name, bound = listener
    run(name)
    extend = "EXTEND_TIMEOUT_USEC=30000000"
    assert heard(bound) == [
        f"WATCHDOG=1\n{extend}",
        "READY=1\nSTATUS=ready",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=draining",
        f"WATCHDOG=1\n{extend}",
    ]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all"])
def test_nobody_listens(address: str) -> None:
    run(address)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ("", 0.0)),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "20000000"}, ("/run/x", 20.0)),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}, ("/run/x", 0.0)),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": str(os.getpid())}, ("", 5.0)),
        ({"WATCHDOG_USEC": "soon"}, ("", 0.0)),
    ],
)
def test_variables(environ: dict[str, str], expected: tuple[str, float]) -> None:
    assert systemd_socket(environ) == expected
