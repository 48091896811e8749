# SPDX-License-Identifier: AGPL-3.0-only
"""What is wrong with settings, and warnings about them, in Turkish."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentiric_llama import cli
from sentiric_llama.client.server import checked_url
from sentiric_llama.commands._numbers import in_words
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.locale import messages
from sentiric_llama.locale.turkish_settings_errors import ERRORS
from sentiric_llama.server import preflight
from sentiric_llama.settings.load import environment_warnings, load_settings, resolve_settings
from sentiric_llama.settings.names import DEPRECATED, GUARDS, PREFIX, RETIRED
from sentiric_llama.types.ranges import SAMPLING_RANGES

BAD_SETTINGS: list[dict[str, object]] = [
    {"contexts": "abc"},
    {"contextz": 4},
    {"something_else": 1},
    {"temperatur": 1},
    {"api_key": "k", "api_key_file": "k"},
    {"api_key_file": "no-such-file"},
    {"profile": "none"},
    {"http_port": 7, "grpc_port": 7},
    {"cache_type_v": "q8_0", "flash_attention": "off"},
    {"batch_size": 64, "contexts": 65},
    {"speculation": "draft"},
    {"speculation": "ngram", "draft_model": "x"},
]
"""Each is refused."""
ALLOWED = (
    "a directory that exists",
    "at most --batch-size, which is 64",
    *("an integer 1..256", "an integer above 0..1", "a number 0..1", "a number above 0..1"),
    "--cache-type-v q8_0 needs flash attention, but --flash-attention auto enables it on GPUs "
    "only: set it to on",
    *RETIRED.values(),
)
"""What stands within errors."""
BAD_PLACES: list[dict[str, object]] = [
    {"host": "host.invalid"},
    {"host": "192.0.2.7"},
    {"host": "0.0.0.0", "env": "production"},
    {"lora_dir": "no-such-folder"},
    {"tls": "cert"},
    {"cert_path": "x"},
]
"""Each is refused before a start."""


@pytest.fixture(autouse=True)
def turkish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    messages.set_language("tr")
    yield
    messages.set_language("en")


def error_of(action: Callable[[], object]) -> str:
    with pytest.raises(SentiricLlamaError) as caught:
        action()
    return caught.value.what


def errors(folder: Path) -> Iterator[str]:
    for values in BAD_SETTINGS:
        yield error_of(lambda values=values: load_settings(**values))  # type: ignore[misc]
    (folder / "empty").touch()
    yield error_of(lambda: load_settings(api_key_file="empty"))
    (folder / "x.toml").write_text("= 1")
    yield error_of(lambda: load_settings("x.toml"))
    for values in BAD_PLACES:
        remarks = preflight.known_before_listening(resolve_settings(**values))
        yield from (remark.text for remark in remarks if remark.error is not None)
    for tls in ("off", "auto"):
        public = resolve_settings(host="0.0.0.0", metrics_enabled=True, tls=tls)
        yield from (remark.text for remark in preflight.known_before_listening(public))
    keys = folder / "keys.json"
    keys.write_text('{"keys": []}')
    keys.chmod(0o666)
    shared = resolve_settings(keys_file=str(keys))
    yield from (remark.text for remark in preflight.known_before_listening(shared))
    names = [*DEPRECATED, *RETIRED, "CONTEXTZ", "QUITE_ELSE"]
    yield from environment_warnings({PREFIX + name: "1" for name in names} | {GUARDS[0]: "1"})
    yield error_of(lambda: checked_url("no address"))
    for value, name in ((9, "temperature"), ("x", "temperature"), (1.5, "top_k")):
        yield error_of(lambda value=value, name=name: SAMPLING_RANGES[name].check(value))  # type: ignore[misc]


def test_every_one_has_a_turkish_text(tmp_path: Path) -> None:
    """And no text is left over, but those for other sources of the same values."""
    said = [(text, messages.say_error(text)) for text in errors(tmp_path)]
    left = [text for text, translation in said if text == translation]
    assert not left, "errors without a Turkish text"
    used = {
        template
        for template in ERRORS
        for text in [*(text for text, _ in said), *ALLOWED]
        if re.fullmatch(messages._pattern(template), text)
    }
    assert set(ERRORS) == used
    words = (" allowed ", " got ", "did you mean", " is an unknown", "an integer", "a number")
    assert not [turkish for _, turkish in said if any(word in turkish for word in words)]


def test_a_list_of_problems_is_translated_as_a_whole() -> None:
    text = error_of(lambda: load_settings(contexts="abc", http_port="x"))
    assert messages.say_error(text).count("izin verilen bir tam sayı") == 2


def test_ranges_are_told_as_the_help_tells_them() -> None:
    allowed = SAMPLING_RANGES["temperature"]
    assert messages.say_error(f"x: got 9, allowed {allowed.allowed}").endswith(in_words(allowed))


def test_commands_speak_one_language(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["config", "check", "--contexts", "abc", "--lang", "tr"]) == 2
    told = capsys.readouterr().err
    assert "--contexts: verilen 'abc', izin verilen bir tam sayı 1..256" in told
    monkeypatch.setenv(PREFIX + "CONTEXTZ", "1")
    assert cli.main(["config", "check", "--lang", "tr"]) == 0
    assert f"uyarı: {PREFIX}CONTEXTZ bilinmeyen bir ayar" in capsys.readouterr().err


def test_no_text_stands_twice() -> None:
    from sentiric_llama.locale import turkish, turkish_errors

    assert len(turkish.ERRORS) == len(ERRORS) + len(turkish_errors.ERRORS)
