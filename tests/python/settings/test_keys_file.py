# SPDX-License-Identifier: AGPL-3.0-only
"""KEYS_FILE as a setting, and the command that writes it."""

from __future__ import annotations

import concurrent.futures
import io
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from key_files import entry, key_of, write_keys
from sentiric_llama import cli
from sentiric_llama.access.key_ring import MIN_FILED_LENGTH
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import PREFIX, Settings
from sentiric_llama.settings.exposure import exposure_warnings, key_file, key_ring
from sentiric_llama.settings.keys_file import add_key, make_key, revoke_key

FILE = Path("keys.json")


def run(*words: str) -> int:
    return cli.main(["key", *words, "--keys-file", str(FILE)])


def made(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The key that `key new` prints."""
    assert run("new", *words) == 0
    return capsys.readouterr().out.strip()


def test_a_new_key_is_printed_once_and_kept_as_a_hash(capsys: pytest.CaptureFixture[str]) -> None:
    key = made(capsys, "app")
    assert key.startswith("sk-") and len(key) == 46
    assert key not in FILE.read_text() and key[-4:] in FILE.read_text()
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o600
    ring = key_ring(settings := Settings(keys_file=str(FILE)))
    key_file(settings, ring)
    who = ring.identify([(b"authorization", f"Bearer {key}".encode())])
    assert who is not None and who.name == "app" and who.roles == {"user"}
    assert run("list") == 0
    shown = capsys.readouterr()
    assert key not in shown.out + shown.err and f"…{key[-4:]}" in shown.out


def test_every_flag_of_a_new_key(capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "app --role user --role metrics --right realtime --model one --model two --tenant acme "
        "--requests-per-minute 6 --tokens-per-minute 7 --concurrency 8 --days 2"
    )
    made(capsys, *words.split())
    assert cli.main(["key", "list", "--json", "--keys-file", str(FILE)]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown.pop("expires").endswith("Z") and len(shown.pop("last4")) == 4
    assert shown == {
        "name": "app",
        "roles": ["metrics", "user"],
        "rights": ["realtime"],
        "models": ["one", "two"],
        "tenants": ["acme"],
        "requests_per_minute": 6,
        "tokens_per_minute": 7,
        "concurrency": 8,
    }


def test_a_key_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new", "app", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["name"] == "app" and shown["key"].startswith("sk-") and shown["file"] == str(FILE)
    assert run("revoke", "app", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"revoked": "app", "file": str(FILE)}


def test_a_key_that_was_made_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for text, code in (("a" * (MIN_FILED_LENGTH - 1), 2), ("a b" * 20, 2), ("", 2), ("e" * 40, 0)):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{text}\n"))
        assert run("new", "app", "--from-stdin") == code, text
        shown = capsys.readouterr()
        assert not text or text not in shown.out + shown.err
        assert FILE.exists() is (code == 0)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["new"], "missing key name"),
        (["revoke"], "missing key name"),
        (["revoke", "nobody"], "no key nobody"),
        (["new", "app"], "already has a key named app"),
        (["new", "a b"], "keys[1].name"),
        (["new", "b", "--tenant", "a b"], "keys[1].tenants"),
        (["new", "b", "--model", ""], "keys[1].models"),
        (["new", "b", "--concurrency", "2000000"], "keys[1].concurrency"),
    ],
)
def test_refusals_change_nothing(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made(capsys, "app")
    before = FILE.read_bytes()
    assert run(*words) == 2
    assert text in capsys.readouterr().err and FILE.read_bytes() == before


@pytest.mark.parametrize("words", [["--requests-per-minute", "0"], ["--role", "root"]])
def test_flags_are_checked_before_anything_is_done(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("new", "b", *words)
    assert words[0] in capsys.readouterr().err and not FILE.exists()


def test_a_broken_file_is_not_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    FILE.write_text('{"keys": [')
    for words in (["new", "app"], ["revoke", "app"], ["list"]):
        assert run(*words) == 2
        assert "not valid JSON" in capsys.readouterr().err
    assert FILE.read_text() == '{"keys": ['


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["key", "new", "app", "--keys-file", "none/keys.json"]) == 2
    told = "none/keys.json cannot be written: its folder is missing; create it with: "
    assert told + "mkdir -p -m 700 none\n" in capsys.readouterr().err


def test_the_file_is_the_servers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["key", "list"]) == 2
    assert f"{PREFIX}KEYS_FILE" in capsys.readouterr().err
    monkeypatch.setenv(PREFIX + "KEYS_FILE", str(FILE))
    assert cli.main(["key", "new", "app"]) == 0 and FILE.exists()


def test_revoking_removes_the_entry_alone(capsys: pytest.CaptureFixture[str]) -> None:
    made(capsys, "one")
    made(capsys, "two")
    assert run("revoke", "one") == 0
    assert [known["name"] for known in json.loads(FILE.read_text())["keys"]] == ["two"]
    assert list(Path().iterdir()) == [FILE], "no file is left behind"


def test_commands_at_the_same_time_lose_nothing() -> None:
    def add(number: int) -> None:
        add_key(FILE, f"key-{number}", make_key(), {"roles": ["user"]})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert len(json.loads(FILE.read_text())["keys"]) == 40
    revoke_key(FILE, "key-7")
    assert len(json.loads(FILE.read_text())["keys"]) == 39


def settings_with(*entries: Any, **fields: Any) -> Settings:
    return Settings(keys_file=write_keys(FILE, *entries), **fields)


def test_a_file_of_keys_protects_a_public_address() -> None:
    with pytest.raises(InvalidArgument, match="no API key is set"):
        exposure_warnings(Settings(host="0.0.0.0", env="production"))
    settings = settings_with(entry("app"), host="0.0.0.0", env="production", tls="cert")
    assert exposure_warnings(settings) == []


@pytest.mark.parametrize("command", [["config", "check"], ["doctor"]])
def test_both_checks_read_the_file(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PREFIX + "KEYS_FILE", str(FILE))
    write_keys(FILE, entry("app", tokens_per_minute=0))
    assert cli.main([*command, "--http-port", "0", "--grpc-port", "0"]) != 0
    shown = capsys.readouterr()
    assert "keys[0].tokens_per_minute: got 0" in shown.out + shown.err


def test_a_file_that_others_may_write_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_with(entry("app"))
    os.chmod(FILE, 0o666)
    (warning,) = exposure_warnings(settings)
    assert "give themselves a key" in warning and "0600" in warning
    os.chmod(FILE, 0o600)
    assert exposure_warnings(settings) == []


def test_a_variable_without_the_prefix_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from sentiric_llama.settings.load import environment_warnings

    assert environment_warnings({"KEYS_FILE": "keys.json"}) == [
        f"KEYS_FILE is not read; the setting is {PREFIX}KEYS_FILE"
    ]


def test_keys_are_random() -> None:
    assert len({make_key() for _ in range(1000)}) == 1000
    assert key_of("app") == key_of("app")
