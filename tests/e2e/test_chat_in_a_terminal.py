# SPDX-License-Identifier: AGPL-3.0-only
"""`chat` as people use it: through a pipe, and at a prompt with keys and pasted text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_runs import Open, Run
from http_client import wait_until
from terminal_process import CTRL_C, CTRL_D


def test_a_conversation_through_a_pipe(guide: Any, run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "talk.json"
    note = tmp_path / "note.txt"
    note.write_text("the note")
    lines = [
        "/set temperature 0",
        "/system Answer briefly.",
        "Which port does HTTP use?",
        "/regen",
        f"/file {note}",
        '"""',
        "two",
        'lines"""',
        "/undo",
        f"/save {saved}",
        f"/save {saved}",
        f"/save! {saved}",
        "/set nonsense 1",
        "/set temperature 5",
        "/set top_k many",
        "/set temperature",
        "/set temperature default",
        "/nope",
        "/clear",
        f"/load {saved}",
        "/quit",
        "never asked",
    ]
    done = run("chat", "--url", guide.url, stdin="\n".join(lines), code=2)
    assert done.stdout.count("16070") == 2, "asked once, answered again"
    messages = json.loads(saved.read_text())["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant"]
    assert saved.stat().st_mode & 0o077 == 0
    assert "the note\n\ntwo\nlines" in done.stderr, "what /undo took back"
    assert "allowed temperature" in done.stderr and "no such command: /nope" in done.stderr
    assert f"{saved} exists; /save! {saved} replaces it" in done.stderr
    assert "[temperature] out of range; got 5.0, allowed a number 0..2" in done.stderr
    assert "got 'many', allowed an integer -1..2147483647, or default" in done.stderr
    shown = [line.split() for line in done.stderr.splitlines() if line.startswith("  temp")]
    assert [words[1] for words in shown] == ["0.0", "0.0", "default"], "asking changes nothing"
    assert "2 turns" in done.stderr and "tok/s" in done.stderr


def test_a_pipe_to_nobody_fails(run: Run) -> None:
    gone = ("--url", "http://127.0.0.1:9")
    assert "no server answers" in run("chat", *gone, stdin="hi\nho\n", code=9).stderr
    assert "[standard input] no message" in run("chat", *gone, code=2).stderr


def test_a_conversation_on_a_terminal(guide: Any, open_terminal: Open) -> None:
    chat = open_terminal("chat", "--url", guide.url, "--temperature", "0")
    chat.expect("sentiric-guide; /help shows the commands")
    chat.expect("this is the small built-in guide")
    chat.expect(">>> ")
    chat.send("\x1b[200~Which port\rdoes HTTP\ruse?\r\x1b[201~")
    chat.expect("use?")
    chat.send("\r")
    chat.expect("TTFT")
    chat.expect(">>> ")
    chat.send("/undo\r")
    chat.expect("Which port\r\ndoes HTTP\r\nuse?")  # one message of three lines
    chat.expect(">>> ")
    chat.send("Which port does HTTP use?\r")
    chat.expect("16070")
    chat.expect("TTFT")
    chat.expect(">>> ")
    chat.send('"""\rseveral\r')
    chat.expect("... ")
    chat.send("half a line")
    chat.expect("half a line")
    chat.press(CTRL_C)
    chat.expect("press Ctrl-C again to quit")
    chat.send("/help\r")
    chat.expect("/regen")
    chat.expect(">>> ")
    chat.send(CTRL_D)
    assert chat.finish() == 0


def test_an_error_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """However far the answer was."""
    from sentiric_llama.client.chat_client import GenerationOptions
    from sentiric_llama.client.repl.repl import Repl
    from sentiric_llama.errors import Unavailable
    from sentiric_llama.host.terminal import Terminal
    from sentiric_llama.types.chat import ChatDelta

    class Breaks:
        name = "x"

        def answer(self, *_: object) -> Iterator[ChatDelta]:
            yield ChatDelta("half an answ", content="half an answ")
            raise Unavailable("gone", where="server")

    repl = Repl(Breaks(), Terminal(), GenerationOptions())  # type: ignore[arg-type]
    assert repl._answers("hi") is False
    out, err = capsys.readouterr()
    assert out == "half an answ\n" and err == "sentiric-llama: [server] gone\n"


def test_ctrl_c_stops_the_answer_and_not_the_program(tiny: Any, open_terminal: Open) -> None:
    chat = open_terminal("chat", "--url", tiny.url, "-n", "1900", "--seed", "1")
    chat.expect(">>> ")
    chat.send("go on\r")
    assert wait_until(lambda: tiny.active == 1)
    chat.expect("go on")
    before = len(chat.shown)
    while len(chat.shown) < before + 40:
        assert chat._read(30)
    chat.send(CTRL_C)
    chat.expect("[stopped]")
    assert wait_until(tiny.is_idle), "the server stops working on it"
    chat.press_at_prompt(CTRL_C)
    chat.expect("press Ctrl-C again to quit")
    chat.press_at_prompt(CTRL_C)
    assert chat.finish() == 0


def test_a_model_cannot_steer_the_terminal() -> None:
    from sentiric_llama.host.printable import printable

    assert (
        printable("a\x1b]52;c;eA==\x07b\x9b2Jc\rd\n\té")
        == "a\ufffd]52;c;eA==\ufffdb\ufffd2Jc\ufffdd\n\té"
    )
