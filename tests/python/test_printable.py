# SPDX-License-Identifier: AGPL-3.0-only
"""The one filter before terminals, logs and labels, and that nothing goes past it."""

from __future__ import annotations

import ast
import io
import json
import random
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sentiric_llama
from sentiric_llama import cli
from sentiric_llama.errors import ERROR_TABLE, PUBLIC_TEXTS, ErrorCode, ModelInvalid, Unavailable
from sentiric_llama.host import printable
from sentiric_llama.host.terminal import Terminal, put
from sentiric_llama.log.events import PLACES, error_fields
from sentiric_llama.models.download.progress import Progress
from sentiric_llama.service.models.switch import ModelSwitch
from sentiric_llama.settings.profile_file import public_profiles

PACKAGE = Path(sentiric_llama.__file__).parent
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HARMFUL = "".join(map(chr, (*range(9), *range(11, 32), *range(127, 160)))) + "\u2028\u2029" + BIDI
SEQUENCES = (
    "\x1b[2J",
    "\x9b2J",
    "\x1b]52;c;eA==\x07",
    "\x9d0;title\x9c",
    "\u202egnp.exe",
    "a\rb",
    "\x7f",
)


def is_harmless(text: str) -> bool:
    return not set(text) & set(HARMFUL)


def test_every_code_point() -> None:
    """What is kept is what no terminal acts on; nothing else is taken away."""
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        shown = printable.printable(char)
        is_control = unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") or char in BIDI
        assert shown == ("\ufffd" if is_control and char not in "\n\t" else char), hex(code)
        if is_control:
            assert printable.escaped(char).isascii() and printable.escaped(char)[0] == "\\"


def test_json_keeps_its_value() -> None:
    random_ = random.Random(8)
    for _ in range(500):
        text = "".join(random_.choices(HARMFUL + 'aş\n\t"\\€😀\u2027\u202f', k=12))
        value = {text: [text, {"k": text}]}
        for options in ({}, {"indent": 2}):
            shown = printable.json_text(value, **options)
            assert json.loads(shown) == value and is_harmless(shown.replace("\n", "")), shown
    assert printable.json_text("\x9b") == '"\\u009b"'
    assert json.loads(printable.json_text("a\ud800b")) == "a\ud800b"
    assert printable.json_text("a\ud800b").encode()


def test_labels_are_short() -> None:
    assert printable.label("a\x1b[2Jb") == "a\\x1b[2Jb"
    assert len(printable.label("x" * 5000)) == printable.MAX_LABEL


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Screen])
@pytest.mark.parametrize("as_json", [False, True])
def test_every_way_to_speak(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], as_json: bool
) -> None:
    """Whatever a command hands over comes out without a code that is not our own."""
    monkeypatch.setenv("TERM", "xterm-256color")
    out, err = stream(), stream()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    for sequence in SEQUENCES:
        terminal = Terminal(as_json=as_json)
        bad = f"[link=x]<{sequence}>"
        terminal.answer(bad)
        terminal.answer_json({bad: bad})
        terminal.answer_json_line([bad])
        terminal.answer_table([bad, "b"], [[bad, f"{bad}\n{bad}\t"]])
        terminal.answer_styled([(bad, "red"), (bad, "dim")])
        terminal.show(bad)
        terminal.note(bad)
        terminal.note_dim(bad)
        terminal.note_json({bad: bad})
        terminal.fail(Unavailable(bad, where=bad))
        terminal.crash(ValueError(bad))
        with terminal.live_table() as table:
            table.show([(bad, bad)])
        with terminal.bars() as bars:
            bars.move(bad, 1, 2)
            bars.tell(bad)
        if stream is Screen:
            terminal.pass_on(bad)
    for text in (out.getvalue(), err.getvalue()):
        assert text.count("[link=x]") >= 20, "shown as it stands, not as a link"
        for sequence in SEQUENCES:
            assert sequence not in text
        assert not set(text) & set(HARMFUL) - set("\x1b\r"), "Rich's own codes alone"


def test_a_pipe_gets_a_models_words_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    Terminal().pass_on("a\x1b[2J\x9bb")
    assert out.getvalue() == "a\x1b[2J\x9bb"


def test_nobody_listens() -> None:
    put("text", None)


def test_mistakes_of_typing_are_shown_without_codes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (["\x1b[2J\x9b"], ["serve", "--por\x1b]52;c;eA==\x07t", "1"], ["ps", "\u202ex"]):
        with pytest.raises(SystemExit):
            cli.main(words)
        out, err = capsys.readouterr()
        assert is_harmless((out + err).replace("\n", "")) and len(err) > 20


# Nothing goes past it


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """What writes to a terminal, by line: calls, imports, and streams in anybody's hands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("print", "input", "pprint", "os.write", "argparse.ArgumentParser"):
                yield node.lineno, name
            if name.rpartition(".")[2] in ("print_exc", "print_exception", "print_help"):
                yield node.lineno, name
        if isinstance(node, ast.Attribute) and ast.unparse(node) in (
            *("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"),
        ):
            yield node.lineno, ast.unparse(node)
        names = [alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)]
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.partition(".")[0] in ("rich", "curses", "tqdm"):
                yield node.lineno, name  # type: ignore[attr-defined]


ALLOWED = {
    "host/terminal.py": {"input", "sys.stdout", "sys.stderr"},
    "host/drawing.py": {
        *("rich", "rich.cells", "rich.console", "rich.live", "rich.table", "rich.text"),
    },
    "log/setup.py": {"sys.stderr"},
    "log/writer.py": {"os.write"},
}
"""Two modules speak to people, two write log lines, which `log.lines` escapes."""


def test_only_the_terminal_writes_to_the_terminal() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} {what}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "generated" not in path.parts
        for line, what in calls(path)
        if what not in ALLOWED.get(path.relative_to(PACKAGE).as_posix(), set())
    ]
    assert not wrong, "go through sentiric_llama.host.terminal"


def test_the_walk_finds_what_it_looks_for(tmp_path: Path) -> None:
    source = tmp_path / "x.py"
    source.write_text("import sys\nprint(1)\nsys.stdout.write('x')\nfrom rich.text import Text\n")
    assert {what for _, what in calls(source)} == {"print", "sys.stdout", "rich.text"}


# What others are told


def test_a_public_text_for_each_code() -> None:
    assert PUBLIC_TEXTS.keys() == ERROR_TABLE.keys()
    for code in ErrorCode:
        assert "/" not in PUBLIC_TEXTS[code]


def test_an_error_of_others_has_no_path() -> None:
    error = ModelInvalid("/home/ayşe/secret models/x y.gguf is cut", where="model")
    assert error.public == "the model's file cannot be used (model_invalid)"


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("messages.3.content.1.text", "messages.3.content.1.text"),
        ("json_schema:/properties/kanarya", "json_schema"),
        ("grammar:12", "grammar"),
        ("response_format.json_schema.schema", "response_format.json_schema.schema"),
        ("temperature", "temperature"),
        ("messages[12].content", "messages.12.content"),
        ("kanarya", ""),
        ("messages.kanarya.text", "messages"),
        ("", ""),
        ("\x1b[2J", ""),
    ],
)
def test_a_log_line_says_where_in_our_words(where: str, shown: str) -> None:
    fields = error_fields(ModelInvalid("kanarya", where=where))
    assert fields == {"code": "model_invalid", "where": shown}
    assert "kanarya" not in PLACES


def test_a_failed_switch_for_those_who_only_look() -> None:
    switch = ModelSwitch("p", "127.0.0.1")
    switch.report(Progress("progress", "/srv/kanarya/x.gguf", 1, 2, "kanarya"))
    assert "kanarya" in json.dumps(switch.as_json())
    assert "kanarya" not in json.dumps(switch.as_public_json())
    assert switch.as_public_json()["download"]["done"] == 1
    switch.end("failed", ModelInvalid("/srv/kanarya/x.gguf is cut", where="model"))
    told = switch.as_public_json()
    assert told.keys() == switch.as_json().keys() and told["result"] == "failed"
    assert told["message"] == "the model's file cannot be used (model_invalid)"


def test_every_place_that_a_request_can_fail_at_is_known() -> None:
    """Else its line would not say where."""
    names = (r'where="([a-z_]+)', r'ErrorCode::k\w+,\s*"([a-z_]+)"', r'OutOfRange\("([a-z_]+)"')
    rooms = ("http", "rpc", "service", "engine")
    files = [path for name in rooms for path in (PACKAGE / name).rglob("*.py")]
    files += (Path(__file__).parents[2] / "cpp").rglob("*.cpp")
    found = {word for path in files for name in names
             for word in re.findall(name, path.read_text("utf-8"))}  # fmt: skip
    unknown = [word for word in found if not error_fields(ModelInvalid("x", where=word))["where"]]
    assert not unknown and len(found) > 12


def test_profiles_for_those_who_only_choose() -> None:
    raw: dict[str, Any] = {
        "active_profile": "a",
        "comment": "kanarya",
        "profiles": {
            "a": {
                "display_name": "A\x1b[2J",
                "description": "kanarya",
                "category": "chat",
                "model_id": "ggml-org/gemma-3-1b-it-GGUF:Q8_0",
                "filename": "/srv/kanarya/x.gguf",
                "templates": {"system_prompt": "kanarya", "rag_prompt": "kanarya"},
                "system_prompt": "kanarya",
                "temperature": 0.3,
                "kanarya": "kanarya",
            },
            "b": {"model_id": "/srv/kanarya/b.gguf", "category": 7},
            "c": {"model_id": "kanarya/c.gguf"},
            "d": {"model_id": "https://kanarya.example/kanarya/d.gguf?kanarya=1"},
            "e": {"model_id": "C:\\kanarya\\e.gguf"},
            "f": {"model_id": "guide"},
            "g": "kanarya",
        },
    }
    found = public_profiles(raw, "a")
    assert "kanarya" not in json.dumps(found)
    assert found["active_profile"] == "a"
    assert found["profiles"] == {
        "a": {
            "display_name": "A\ufffd[2J",
            "category": "chat",
            "model_id": "ggml-org/gemma-3-1b-it-GGUF:Q8_0",
        },
        **{name: {"model_id": f"{name}.gguf"} for name in "bcde"},
        "f": {"model_id": "guide"},
    }
    for broken in ({}, {"profiles": []}, {"profiles": None}):
        assert public_profiles(broken, "")["profiles"] == {}


def test_what_an_error_repeats_is_one_short_line() -> None:
    assert printable.brief("a\nb\x1b") == "a b\ufffd" and printable.quoted("a\nb") == r"'a\nb'"
    assert printable.brief("x" * 5000) == "x" * printable.MAX_SHOWN + "… (5000 characters)"
    assert printable.quoted("x" * 5000) == f"'{'x' * printable.MAX_SHOWN}'… (5000 characters)"
    assert printable.quoted(1 << 20_000) == "a huge int" and printable.quoted(None) == "None"
    assert printable.brief(Path("x" * printable.MAX_PATH)) == "x" * printable.MAX_PATH
    assert len(printable.quoted(["x"] * 5000)) < 200
