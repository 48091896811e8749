# SPDX-License-Identifier: AGPL-3.0-only
"""When the memory of the control group runs out, the engine process goes and the server stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from http_client import StreamThread, wait_until
from memory_group import memory_group
from server_process import ServerProcess

LITTLE, MUCH = 16 * 2**20, 2**40


def has_died(server: ServerProcess) -> bool:
    return bool(server.events("ENGINE_DIED"))


def test_the_kernel_takes_the_engine_process(start: Any, tiny_q8_0: Path) -> None:
    """The KV cache grows into its memory as it fills."""
    with memory_group() as group:
        if group is None:
            pytest.skip("no control group can be made here")
        server = start(
            *(tiny_q8_0,), program=group.program, isolation="process", contexts=32,
            context_size=8192,
        ).wait_ready()  # fmt: skip
        quiet = server.chat("tale", max_tokens=20, temperature=0).json["choices"]
        group.leave(LITTLE)
        for number in range(32):
            text = f"{number} " + "a b c d e f g h " * 480
            long = StreamThread(server.port, text, temperature=0, max_tokens=2)
            assert wait_until(lambda: not long.is_alive() or has_died(server), 60)  # noqa: B023
            if has_died(server):
                break
        group.leave(MUCH)
        (death, *_) = server.events("ENGINE_DIED")
        assert death["message"] == "killed by the kernel because memory ran out"
        assert long.text()
        assert server.chat("tale", max_tokens=20, temperature=0).json["choices"] == quiet
        assert server.child.poll() is None
        server.signal()
        assert server.finish() == 0
