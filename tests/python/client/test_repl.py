# SPDX-License-Identifier: AGPL-3.0-only
"""A conversation through a pipe: how it ends, and what `/stats` knows."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest

from sentiric_llama.client.chat_client import GenerationOptions
from sentiric_llama.client.repl.repl import Repl
from sentiric_llama.errors import InvalidArgument, Overloaded, SentiricLlamaError, Unavailable
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale import messages
from sentiric_llama.types import Final, Timings, Usage
from sentiric_llama.types.chat import ChatDelta

GONE = Unavailable("no server answers", where="server")
DONE = ChatDelta(final=Final("stop", Usage(1, 2, 0), Timings()))


@pytest.fixture(autouse=True)
def english() -> None:
    messages.set_language("en")


class Answers:
    """Answers each message with the next of these, which may be an error."""

    name = "x"

    def __init__(self, *answers: str | BaseException) -> None:
        self.left = list(answers)

    def answer(self, *_: object) -> Iterator[ChatDelta]:
        answer = self.left.pop(0)
        if isinstance(answer, SentiricLlamaError):
            raise answer
        yield ChatDelta("text", content="text")
        if isinstance(answer, KeyboardInterrupt):
            raise answer
        yield DONE

    def close(self) -> None:
        pass


def talk(monkeypatch: pytest.MonkeyPatch, client: Answers, *lines: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    return Repl(client, Terminal(), GenerationOptions()).run()


@pytest.mark.parametrize(
    ("answers", "lines", "code"),
    [
        (("", ""), ("a", "b"), 0),
        ((GONE,), ("a",), 9),
        ((), ("/set top_k many",), 2),
        ((), ("/quit",), 0),
        ((Overloaded("full"), ""), ("a", "b"), 5),
        ((Overloaded("full"), InvalidArgument("no")), ("a", "b"), 5),
    ],
)
def test_the_first_error_is_the_exit_code(
    answers: tuple[str | BaseException, ...],
    lines: tuple[str, ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Answers(*answers)
    assert talk(monkeypatch, client, *lines) == code
    assert not client.left, "the conversation went on"


def test_a_server_that_is_gone_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Answers(GONE, "never asked")
    assert talk(monkeypatch, client, "a", "b") == 9
    assert client.left == ["never asked"]
    assert capsys.readouterr().err.count("no server answers") == 1


@pytest.mark.parametrize("lines", [(), ("", "  ")])
def test_an_empty_input_says_what_is_missing(
    lines: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidArgument, match="no message given; run chat in a terminal"):
        talk(monkeypatch, Answers(), *lines)


def test_statistics_of_an_answer_that_was_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert talk(monkeypatch, Answers(KeyboardInterrupt()), "a", "/stats") == 0
    assert "stopped after 4 characters" in capsys.readouterr().err
    assert talk(monkeypatch, Answers(), "/stats") == 0
    assert "no answer yet" in capsys.readouterr().err


class Thinker(Answers):
    """Thinks before it answers."""

    def answer(self, *_: object) -> Iterator[ChatDelta]:
        yield ChatDelta("Hm", reasoning_content="Hm\x1b[31m")
        yield ChatDelta(", so", reasoning_content=", so")
        yield ChatDelta("text", content="text")
        yield DONE


@pytest.mark.parametrize("is_shown", [True, False])
def test_thoughts_stand_apart_and_can_be_hidden(
    is_shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a\n"))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    repl = Repl(Thinker(), Terminal(), GenerationOptions(), shows_thoughts=is_shown)
    assert repl.run() == 0
    assert repl.conversation.turns[-1]["content"] == "text", "the next answer is not told of them"
    told = capsys.readouterr()
    assert told.out == "text\n"
    assert ("\x1b[2mHm" in told.err and ", so\x1b[0m" in told.err) == is_shown
    assert "\x1b[31m" not in told.err, "a model must not steer a terminal"


def test_nobody_reads_thoughts_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert talk(monkeypatch, Thinker(), "a") == 0
    told = capsys.readouterr()
    assert told.out == "text\n" and "Hm" not in told.err


def test_what_is_removed_and_asked_again_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ("first", "second", "/undo", "/regen", "/undo", "/undo", "/regen")
    assert talk(monkeypatch, Answers("", "", ""), *lines) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "tok" not in line]
    assert told == [
        *("removed: second", "asking again: first", "removed: first"),
        *("nothing to undo", "nothing to regenerate"),
    ]


def test_help_and_statistics_speak_the_language_of_the_texts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    messages.set_language("tr")
    try:
        assert talk(monkeypatch, Answers(""), "hi", "/help") == 0
    finally:
        messages.set_language("en")
    told = capsys.readouterr().err
    assert " token · " in told and "önbellekten" in told and " tok " not in told
    assert {"[METİN]", "DOSYA", "[AD", "[DEĞER]]"} <= set(told.split())
    assert not {"[TEXT]", "FILE", "[FILE]", "PATH"} & set(told.split())
