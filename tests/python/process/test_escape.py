# SPDX-License-Identifier: AGPL-3.0-only
"""What native code could do if somebody took it over: a real engine process tries it."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
from pathlib import Path

import pytest

import native_programs
from process_tools import asked, opened, text_of
from sentiric_llama.engine.process import launch
from sentiric_llama.engine.process.confinement import offered_layers
from sentiric_llama.log import lines

ATTEMPT = re.compile(r"^escape (\w+) (.+): (.+)$")
SECCOMP = {
    *("socket(AF_INET)", "socket(AF_INET6)", "socket(AF_UNIX)", "socketpair"),
    *("ptrace", "process_vm_readv", "kill", "fork", "exec"),
}
WRITABLE = ("/tmp", "/var/tmp", "/dev/shm", "/root")
FILES = {"/etc/shadow", "/etc/passwd", "/proc", ".", *WRITABLE}
"""Beginnings of what it tries to read or write."""


@pytest.mark.parametrize("layer", ["seccomp", "landlock"])
def test_a_process_that_is_taken_over_reaches_nothing(
    small_q8_0: Path,
    layer: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No socket, no program, no other process; no file of this machine, even as root."""
    for name, holds, line in offered_layers():
        if name == layer and not holds:
            pytest.skip(line)
    monkeypatch.setattr(launch, "BINARY", native_programs.built("process/faulty-engine"))
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.INFO, lines.LLAMA_CPP)  # another test may have set up logging

    async def main() -> None:
        async with opened(small_q8_0) as engine:
            before = engine.pid
            await text_of(engine, asked(1, text="!fault:tokenizer:escape"))
            assert engine.pid == before, "it became another program"

    asyncio.run(main())
    found = [ATTEMPT.match(record.getMessage()) for record in caplog.records]
    tried = {match[2]: match[3] for match in found if match and match[1] == layer}
    refused = {"seccomp": "Operation not permitted", "landlock": "Permission denied"}[layer]
    assert {what: said for what, said in tried.items() if said != refused} == {}
    if layer == "seccomp":
        assert tried.keys() == SECCOMP
    else:
        paths = [what.partition(" ")[2] for what in tried]
        assert {begin for begin in FILES for path in paths if path.startswith(begin)} == FILES
        left = [path for path in paths if "sentiric-escaped" in path and os.path.exists(path)]
        assert not left


def test_outside_the_sandbox_it_gets_out(tmp_path: Path) -> None:
    """Else what it is refused inside would show nothing."""
    command = [str(native_programs.built("process/faulty-engine")), "escape"]
    try:
        done = subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        for folder in WRITABLE:
            Path(folder, "sentiric-escaped").unlink(missing_ok=True)
    assert done.returncode == 0, "it became /bin/true"
    found = [ATTEMPT.match(line.removeprefix("I ")) for line in done.stderr.splitlines()]
    succeeded = {match[2] for match in found if match and match[3] == "done"}
    assert {"socket(AF_UNIX)", "socketpair", "kill", "fork"} <= succeeded
    assert {"write /tmp/sentiric-escaped", "write ./sentiric-escaped"} <= succeeded
    assert (os.geteuid() == 0) == ("read /etc/shadow" in succeeded)
