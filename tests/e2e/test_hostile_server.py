# SPDX-License-Identifier: AGPL-3.0-only
"""Client commands against a server that tries to steer the terminal, and files that do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gguf_files import STRING, sound, value
from hostile_server import BAD, CODES, HostileHttp, Servicer, hostile_grpc, hostile_http
from server_process import environment
from terminal_process import TerminalProcess

OWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")
"""What Rich and readline send by themselves: colours, and the cursor's moves of live tables."""
HARMFUL = {char for char in BAD if not char.isprintable()}
COMMANDS = (
    ("ps",),
    ("ps", "--watch"),
    ("health",),
    ("profile", "list"),
    ("profile", "show", "p"),
    ("switch", "p", "--admin-key", "k"),
    ("generate", "hi"),
    ("generate", "hi", "--no-stream", "--stats"),
    ("tokenize", "hi"),
    ("chat",),
)
RPC_COMMANDS = (
    ("generate", "hi"),
    ("generate", "hi", "--stats"),
    ("health",),
    ("tokenize", "hi"),
)


@pytest.fixture(scope="module")
def http() -> Iterator[HostileHttp]:
    with hostile_http() as server:
        yield server


@pytest.fixture(scope="module")
def rpc() -> Iterator[tuple[str, Servicer]]:
    with hostile_grpc() as found:
        yield found


def seen(*words: str, typed: str = "") -> str:
    """Everything that a terminal gets to see."""
    terminal = TerminalProcess(words, environment({}))
    try:
        if typed:
            terminal.expect(">>> ")
            terminal.send(typed)
        terminal.finish()
    finally:
        terminal.close()
    return terminal.raw


def check_terminal(text: str) -> None:
    """No code of the server's; those of our own drawing move colours and the cursor only."""
    assert "[2J" not in OWN.sub("", text) or "\ufffd[2J" in text
    assert "\x1b[2J" not in text and "\x1b]52" not in text
    rest = OWN.sub("", text)
    for code in CODES[1:]:
        assert code not in rest, repr(rest)
    assert "Traceback" not in rest, rest


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("refuses", [False, True])
def test_over_http(http: HostileHttp, words: tuple[str, ...], refuses: bool) -> None:
    http.refuses = refuses
    typed = "hi\r/quit\r" if words == ("chat",) and not refuses else ""
    shown = seen(*words, "--url", http.url, typed=typed)
    check_terminal(shown)
    assert "\ufffd" in shown, "it did say something"


@pytest.mark.parametrize("words", RPC_COMMANDS, ids=" ".join)
@pytest.mark.parametrize("refuses", [False, True])
def test_over_grpc(
    http: HostileHttp, rpc: tuple[str, Servicer], words: tuple[str, ...], refuses: bool
) -> None:
    http.refuses = rpc[1].refuses = refuses
    shown = seen(*words, "--url", http.url, "--grpc-endpoint", rpc[0])
    check_terminal(shown)


@pytest.mark.parametrize("words", [("ps",), ("health",), ("profile", "list"), ("generate", "hi")])
@pytest.mark.parametrize("refuses", [False, True])
def test_json_keeps_the_value_and_no_code(
    http: HostileHttp, words: tuple[str, ...], refuses: bool
) -> None:
    http.refuses = refuses
    done = subprocess.run(
        [sys.executable, "-m", "sentiric_llama", *words, "--url", http.url, "--json"],
        env=environment({}), capture_output=True, timeout=120,
    )  # fmt: skip
    for raw in (done.stdout, done.stderr):
        text = raw.decode()
        assert not set(text) & HARMFUL, text
    told = json.loads((done.stdout or done.stderr).decode())
    assert any(BAD in text for text in strings(told)), told


def strings(value: object) -> Iterator[str]:
    """Every string inside."""
    if isinstance(value, str):
        yield value
    for item in value if isinstance(value, list) else ():
        yield from strings(item)
    for key, item in value.items() if isinstance(value, dict) else ():
        yield from strings(key)
        yield from strings(item)


def test_a_models_own_texts(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(sound(4096, general__name=value(STRING, BAD)))
    for words in (("show", str(path)), ("show", str(path), "--all")):
        shown = seen(*words)
        check_terminal(shown)
        assert "\ufffd" in shown
    found = subprocess.run(
        [sys.executable, "-m", "sentiric_llama", "show", str(path), "--json"],
        env=environment({}), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert not set(found.stdout) & HARMFUL and BAD in [*strings(json.loads(found.stdout))]
