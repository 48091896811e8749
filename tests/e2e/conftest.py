# SPDX-License-Identifier: AGPL-3.0-only
"""Servers with the real engine. Shared ones must be idle and without defects after each test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

import models
from command_runs import Open, Run
from server_process import ServerProcess, environment
from terminal_process import TerminalProcess

StartServer = Callable[..., ServerProcess]


@pytest.fixture(scope="session")
def _guide() -> Iterator[ServerProcess]:
    server = ServerProcess().wait_ready()
    yield server
    server.close()


@pytest.fixture(scope="session")
def _tiny(tiny_q8_0: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tiny_q8_0, contexts=8, context_size=2048).wait_ready()
    yield server
    server.close()


@pytest.fixture
def guide(_guide: ServerProcess) -> Iterator[ServerProcess]:
    """Started as anyone would: no model named, so it is the guide."""
    yield _guide
    _guide.check_healthy()


@pytest.fixture
def tiny(_tiny: ServerProcess) -> Iterator[ServerProcess]:
    """Random weights, Q8_0, 8 contexts of 2048 tokens."""
    yield _tiny
    _tiny.check_healthy()


@pytest.fixture
def client(guide: ServerProcess) -> Iterator[openai.OpenAI]:
    """The official client of the guide."""
    with guide.openai() as made:
        yield made


@pytest.fixture
def start() -> Iterator[StartServer]:
    """`start(*arguments, **settings)` -> a process of this test's own."""
    running: list[ServerProcess] = []

    def spawn(*arguments: str | Path, **settings: Any) -> ServerProcess:
        running.append(ServerProcess(*arguments, **settings))
        return running[-1]

    yield spawn
    for server in running:
        server.close()


@pytest.fixture(scope="session")
def run() -> Run:
    def run(*words: str, code: int = 0, stdin: str = "", **settings: object) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "sentiric_llama", *words],
            env=environment(settings),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, (done.returncode, done.stderr)
        return done

    return run


@pytest.fixture(scope="session")
def library_folder(tmp_path_factory: pytest.TempPathFactory, tiny_q8_0: Path) -> Path:
    """Where `model.gguf` and its adapter lie for the programs in the docs."""
    path = tmp_path_factory.mktemp("library")
    (path / "model.gguf").symlink_to(tiny_q8_0)
    (path / "adapters").mkdir()
    models.adapter("legal", "tiny-q8_0", path / "adapters" / "legal.gguf")
    return path


@pytest.fixture
def open_terminal() -> Iterator[Open]:
    opened: list[TerminalProcess] = []

    def start(*words: str, **options: str) -> TerminalProcess:
        opened.append(TerminalProcess(words, environment({}), **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()
