# SPDX-License-Identifier: AGPL-3.0-only
"""Errors in Turkish: whole sentences, found again in the English ones that the code has."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentiric_llama import cli
from sentiric_llama.client.repl.repl import NO_MESSAGE
from sentiric_llama.client.server import Server
from sentiric_llama.commands.start.key import NO_FILE, NO_NAME
from sentiric_llama.commands.watch import profile
from sentiric_llama.engine.grammar.schema_notes import schema_notes
from sentiric_llama.engine.memory.fit import Shortage, _advice
from sentiric_llama.engine.memory.plan import DevicePlan, MemoryPlan
from sentiric_llama.errors import ContextLengthExceeded, SentiricLlamaError
from sentiric_llama.host.machine import Budget
from sentiric_llama.host.private_files import write_fault
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.http.routes.admin import NO_PROFILES
from sentiric_llama.locale import messages
from sentiric_llama.locale.turkish_errors import ERRORS
from sentiric_llama.models import open_local, resolve
from sentiric_llama.models.inventory import find_stored
from sentiric_llama.server.listening import refusal
from sentiric_llama.settings.keys_file import (
    add_key,
    given_key,
    listed_keys,
    make_key,
    revoke_key,
)
from sentiric_llama.settings.profile_file import read_profiles

PLAN = MemoryPlan(8, 4096, 8192, (DevicePlan("host", 1, 2, 3, 0, 0),))
TOO_LONG = (
    "request (9 tokens) exceeds the available context size (8 tokens); the maximum context length "
    "is 8 tokens, of which a prompt may take 7"
)
NOBODY = "http://127.0.0.1:9"
CONTENTS = {
    "Git LFS": b"version https://git-lfs.github.com/spec/v1",
    "old GGML": b"lmgg",
    "web page": b"<html>",
    "choose a .gguf": b"anything",
    "unknown GGUF": b"GGUF",
    "is cut": b"GGUF\3\0\0\0" + bytes(8) + b"\1" + bytes(7),
}
"""A word of the English error -> a file that it is said of."""


@pytest.fixture(autouse=True)
def turkish() -> Iterator[None]:
    messages.set_language("tr")
    yield
    messages.set_language("en")


def error_of(action: Callable[[], object]) -> str:
    with pytest.raises(SentiricLlamaError) as caught:
        action()
    return caught.value.what


def errors(folder: Path) -> Iterator[str]:
    """One of each that has a Turkish text, as the code says it."""
    yield error_of(lambda: open_local(folder / "nope.gguf"))
    for word, content in CONTENTS.items():
        (folder / "x.gguf").write_bytes(content)
        yield (said := error_of(lambda: open_local(folder / "x.gguf")))
        assert word in said
    (folder / "x.safetensors").write_bytes(b"x")
    yield error_of(lambda: open_local(folder / "x.safetensors"))
    (folder / "y.gguf").touch()
    yield error_of(lambda: open_local(folder))
    empty = folder / "empty"
    empty.mkdir()
    yield error_of(lambda: open_local(empty))
    (empty / "z.gguf").mkdir()
    yield error_of(lambda: open_local(empty))
    yield error_of(lambda: resolve("nope"))
    yield error_of(lambda: find_stored("org/repo"))
    host = DevicePlan("host", 1, 2, 3, 0, 0)
    yield str(Shortage(host, Budget("RAM", 2**20, 2**21), 2**22))
    yield str(least := Shortage(host, Budget("RAM", 2**20, 2**21), 2**22, is_least=True))
    for mode in ("refuse", "auto"):
        yield f"{least}; {_advice(PLAN, mode)}"
    gone = error_of(lambda: Server(NOBODY).get("/health"))
    yield gone
    yield f"not ready after 3 s: {gone}"
    yield NO_MESSAGE
    yield from (NO_NAME, NO_FILE)
    keys, fields = folder / "keys.json", {"roles": ["user"]}
    add_key(keys, "app", make_key(), fields)
    yield error_of(lambda: add_key(keys, "app", make_key(), fields))
    yield error_of(lambda: add_key(folder / "none" / "keys.json", "app", make_key(), fields))
    yield error_of(lambda: revoke_key(keys, "nobody"))
    yield error_of(lambda: given_key("short"))
    yield error_of(lambda: listed_keys(folder / "none.json"))
    yield error_of(lambda: profile.init(folder / "none" / "x.json", Terminal()))
    yield error_of(lambda: read_profiles(folder / "none.json"))
    yield NO_PROFILES
    yield write_fault(folder / "none" / "x", FileNotFoundError(errno.ENOENT, ""))
    yield "No such file or directory"
    taken = refusal(OSError(errno.EADDRINUSE, "Address already in use"), "::", 1, "HOST", "PORT")
    yield from (taken.what, "Address already in use")
    yield TOO_LONG
    yield f"cannot read {folder}: Permission denied"
    formats = [{"format": "Date"}, {"format": "qq"}]
    typos = {"propertys": 1, "zzz": 1, "anyOf": formats}
    yield from (note.what for note in schema_notes(json.dumps(typos)))
    yield from ("limits, no new privileges", "limits, no new privileges, landlock (ABI 7)")
    native = (Path(__file__).parents[3] / "cpp/host/protection.cpp").read_text()
    for text in ("not offered by this kernel", "switched off in this kernel"):
        assert f'"{text}"' in native
        yield text


def test_every_translated_error_is_one_that_the_code_has(tmp_path: Path) -> None:
    said = [(text, messages.say_error(text)) for text in errors(tmp_path)]
    left = [text for text, translation in said if text == translation]
    assert not left, "errors without a Turkish text"
    found = {
        template
        for template in ERRORS
        for text, _ in said
        if messages.re.fullmatch(messages._pattern(template), text)
    }
    assert set(ERRORS) - found == {"none given; pass it as an argument or on standard input"}


def test_what_an_error_names_is_in_its_translation() -> None:
    text = messages.say_error("no file /a/b.gguf; check the path")
    assert text == "/a/b.gguf dosyası yok; yolu denetleyin"
    assert messages.say_error("quite another text") == "quite another text"
    short = Shortage(PLAN.devices[0], Budget("RAM", 2**20, 2**21), 2**22, is_least=True)
    memory = messages.say_error(f"{short}; {_advice(PLAN, 'refuse')}")
    assert memory.startswith("host en az 4.0 MiB ister") and memory.endswith("FIT=auto verin")
    assert "needs" not in memory and "choose" not in memory
    nested = messages.say_error("not ready after 3 s: cannot read x: no")
    assert nested == "3 sn sonra hazır değil: x okunamıyor: no"


@pytest.mark.parametrize("command", ["doctor", "plan"])
def test_a_missing_file_is_told_in_one_language(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("sentiric_llama._core")
    path = str(tmp_path / "nope.gguf")
    assert cli.main([command, path, "--lang", "tr"]) == 3
    told = "".join(capsys.readouterr())
    assert f"{path} dosyası yok; yolu denetleyin" in told and "no file" not in told
    assert cli.main([command, path, "--lang", "tr", "--json"]) == 3
    assert f"no file {path}; check the path" in "".join(capsys.readouterr())


def test_a_missing_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["generate", "--lang", "tr"]) == 2
    assert "[PROMPT] verilmedi; argüman olarak" in capsys.readouterr().err


def test_a_servers_error_keeps_its_place() -> None:
    told = cli.told(ContextLengthExceeded(f"[messages] {TOO_LONG}"))
    assert told.startswith("[messages] istem (9 token) bağlama sığmıyor (8 token);")
    assert told.endswith("daha büyük bir --context-size ile açın")
