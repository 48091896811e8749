# SPDX-License-Identifier: AGPL-3.0-only
"""When the memory of the control group runs out, the engine process goes and the server stays."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from http_client import StreamThread, wait_until
from server_process import ServerProcess

ROOT = Path("/sys/fs/cgroup")
SPARE = 16 * 2**20


class Group:
    """A control group with a bound of memory, version 1 or 2."""

    def __init__(self, path: Path, bound: str, usage: str) -> None:
        self.path, self._bound, self._usage = path, bound, usage

    def take(self, *pids: int) -> None:
        for pid in pids:
            (self.path / "cgroup.procs").write_text(str(pid))

    def release(self) -> None:
        (self.path / self._bound).write_text(str(2**40))

    def remove(self) -> bool:
        """False while it has processes."""
        with contextlib.suppress(OSError):
            self.path.rmdir()
        return not self.path.exists()

    def squeeze(self) -> None:
        """Leaves a little room above what is used."""
        used = int((self.path / self._usage).read_text())
        (self.path / self._bound).write_text(str(used + SPARE))


@pytest.fixture
def group() -> Iterator[Group]:
    name = f"sentiric-{os.getpid()}"
    versions = (
        Group(ROOT / "memory" / name, "memory.limit_in_bytes", "memory.usage_in_bytes"),
        Group(ROOT / name, "memory.max", "memory.current"),
    )
    for made in versions:
        with contextlib.suppress(OSError):
            made.path.mkdir()
            if (made.path / made._bound).exists():
                yield made
                assert wait_until(made.remove)
                return
            made.path.rmdir()
    pytest.skip("no control group can be made here")


def has_died(server: ServerProcess) -> bool:
    return bool(server.events("ENGINE_DIED"))


def test_the_kernel_takes_the_engine_process(start: Any, tiny_q8_0: Path, group: Group) -> None:
    """The KV cache grows into its memory as it fills."""
    server = start(tiny_q8_0, isolation="process", contexts=32, context_size=8192).wait_ready()
    quiet = server.chat("tale", max_tokens=20, temperature=0).json["choices"]
    group.take(server.child.pid, server.engine_pid)
    group.squeeze()
    for number in range(32):
        text = f"{number} " + "a b c d e f g h " * 480
        long = StreamThread(server.port, text, temperature=0, max_tokens=2)
        assert wait_until(lambda: not long.is_alive() or has_died(server), 60)  # noqa: B023
        if has_died(server):
            break
    group.release()
    (death, *_) = server.events("ENGINE_DIED")
    assert death["message"] == "killed by the kernel because memory ran out"
    assert long.text()
    assert server.chat("tale", max_tokens=20, temperature=0).json["choices"] == quiet
    assert server.child.poll() is None
    server.signal()
    assert server.finish() == 0
