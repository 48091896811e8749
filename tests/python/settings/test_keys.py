# SPDX-License-Identifier: AGPL-3.0-only
"""One rule for all keys from every source: a key that no header can carry is refused at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama import cli
from sentiric_llama.client.configured import NO_FLAGS, configured
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import PREFIX, Settings
from sentiric_llama.settings.exposure import key_ring
from sentiric_llama.settings.files import FILE_NAME
from sentiric_llama.settings.load import load_settings

KEYS = ("api_key", "admin_key", "metrics_key", "api_keys")
SOURCES = ("variable", "file", ".env", "TOML", "flag")
BAD = ["a\nb", "a b", "a\tb", " ", "\n", "ş", "a\x1bb", "a\u00a0b", "a\r\nX: y", "a\x7f"]


def load(name: str, text: str, source: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings when one source gives this text for a key."""
    if source == "flag":
        return load_settings(**{name: text})
    if source == "TOML":
        Path(FILE_NAME).write_text(f"{name} = {json.dumps(text)}", "utf-8")
    elif source == ".env":
        escaped = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
        Path(".env").write_text(f'{PREFIX}{name.upper()}="{escaped}"', "utf-8")
    elif source == "file":
        Path("key").write_bytes(text.encode())
        monkeypatch.setenv(f"{PREFIX}{name.upper()}_FILE", "key")
    else:
        monkeypatch.setenv(PREFIX + name.upper(), text)
    return load_settings()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", KEYS)
def test_white_space_around_a_key_is_none_of_it(
    name: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = "app:user: good-key" if name == "api_keys" else "good-key"
    settings = load(name, f"  {entry}\n", source, monkeypatch)
    headers = [(b"authorization", b"Bearer good-key")]
    assert key_ring(settings).identify(headers) is not None


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ["api_key", "admin_key", "metrics_key"])
@pytest.mark.parametrize("text", BAD)
def test_a_key_that_no_header_carries_is_refused(
    text: str, name: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        load(name, text, source, monkeypatch)
    told = str(caught.value)
    assert name.upper() in told.upper().replace("-", "_")
    assert text.strip() not in told or not text.strip()
    assert "without spaces" in told or "is empty" in told


@pytest.mark.parametrize("key", ["a b", "ş", "a\x1bb"])
def test_an_entry_of_the_list_too(key: str) -> None:
    with pytest.raises(InvalidArgument, match="entry 2") as caught:
        load_settings(api_keys=f"a:user:secret,b:user:{key}")
    assert key not in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize("flag", ["--api-key", "--admin-key"])
def test_the_flag_of_a_client_is_an_argument(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["switch", "one", "--url", "http://127.0.0.1:9", flag, "hidden\r\nX: y"]
    assert cli.main(words) == 2
    told = capsys.readouterr().err
    assert flag in told and "hidden\r" not in told and "X: y" not in told


def test_a_client_sends_what_the_server_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "API_KEY", "good-key\n")
    assert configured(NO_FLAGS).http(1).api_key == "good-key"


@pytest.mark.parametrize("text", ["a\nb", " "])
def test_config_check_refuses_it(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PREFIX + "API_KEY", text)
    assert cli.main(["config", "check"]) == 2
    assert "API_KEY: got (hidden), allowed printable ASCII" in capsys.readouterr().err


def test_changed_settings_keep_their_key() -> None:
    from sentiric_llama.settings.profiles import with_changes

    changes: dict[str, Any] = {"contexts": 2}
    changed = with_changes(load_settings(api_key="good-key"), changes)
    assert changed.api_key is not None and changed.api_key.get_secret_value() == "good-key"
