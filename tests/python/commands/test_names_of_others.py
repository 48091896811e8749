# SPDX-License-Identifier: AGPL-3.0-only
"""Names and values of others reach a terminal on one line, without control characters, short."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sentiric_llama import cli

HOSTILE = "a\x1b[2J\r\nsentiric-llama: all is well\u202e\x9b"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["config", "check", "--config", HOSTILE],
        ["config", "check", "--profile", HOSTILE],
        ["config", "check", "--profiles-path", HOSTILE],
        ["config", "check", "--model-path", HOSTILE],
        ["config", "check", "--contexts", HOSTILE],
        ["config", "check", "--lora-dir", HOSTILE],
        ["profile", "list", "--file", HOSTILE],
        ["health", "--url", HOSTILE],
        ["health", "--grpc-endpoint", HOSTILE],
        ["health", "--timeout", HOSTILE],
        ["health", "--ca-file", HOSTILE],
        ["generate", "--file", HOSTILE],
        ["rm", HOSTILE],
        ["show", HOSTILE],
        ["config", HOSTILE],
        ["health", HOSTILE],
        [f"--{HOSTILE}"],
        [HOSTILE],
    ],
    ids=" ".join,
)
def test_an_error_stays_on_its_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = cli.main(words)
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    told = capsys.readouterr().err
    assert code != 0 and told
    assert not [line for line in told.splitlines() if line.startswith("sentiric-llama: all is")]
    assert not set(told) & set("\x1b\r\u202e\x9b")


@pytest.mark.parametrize(
    "words",
    [
        ["health", "--timeout", "9" * 5000],
        ["health", "--url", "x" * 5000 + " "],
        ["health", "y" * 5000],
        ["z" * 5000],
        ["health", "--" + "z" * 5000],
        ["config", "check", "--contexts", "9" * 5000],
        ["config", "check", "--config", "c" * 5000],
    ],
    ids=lambda words: words[-1][:12],
)
def test_an_error_stays_short(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = cli.main(words)
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    assert code == 2 and len(capsys.readouterr().err) < 1000


@pytest.mark.parametrize("text", ["\uff18", "1_0", "nan", "inf", ""])
def test_numbers_of_flags_are_written_in_ascii_digits(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["health", "--timeout", text])
    assert "[--timeout] got " in capsys.readouterr().err


@pytest.mark.parametrize("url", ["ftp://x", "http://a\r\nb", "http://a b", "http://"])
def test_a_wrong_url_is_an_argument(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["health", "--url", url]) == 2
    assert "[--url] got " in capsys.readouterr().err


def test_certificates_in_a_folder_that_a_shell_would_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder / "a; touch owned\ntouch owned"
    assert cli.main(["certs", "dev", "--out", str(place)]) == 0
    told = capsys.readouterr().out
    words = shlex.split(told, comments=True)
    assert words[::2] == ["export"] * 3
    assert words[1] == f"GRPC_TLS_CA_PATH={place / 'ca.crt'}"
