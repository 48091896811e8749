# SPDX-License-Identifier: AGPL-3.0-only
"""`config show|check|schema`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sentiric_llama import cli
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import PREFIX, describe_fields
from sentiric_llama.settings.load import load_settings


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert cli.main(["config", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_show_names_every_value_and_its_origin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "x.toml"
    path.write_text('queue_limit = 9\napi_key = "hush"')
    monkeypatch.setenv(PREFIX + "THREADS", "6")
    words = ["show", "--config", str(path), "--http-port", "1"]
    shown = answer(capsys, *words)
    assert list(shown) == [field.name for field in describe_fields()]
    assert shown["http_port"] == {"value": 1, "origin": "--http-port"}
    assert shown["contexts"] == {"value": 6, "origin": f"environment {PREFIX}THREADS"}
    assert shown["queue_limit"] == {"value": 9, "origin": f"queue_limit in {path}"}
    assert shown["api_key"]["value"] == "(set)" and "hush" not in json.dumps(shown)
    assert shown["host"]["origin"] == "default"
    assert cli.main(["config", *words, "--origin"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "setting\tvalue\torigin" and "http_port\t1\t--http-port" in lines
    assert cli.main(["config", "show"]) == 0
    assert "http_port\t16070" in capsys.readouterr().out.splitlines()


def test_check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.main(["config", "check"]) == 0
    assert capsys.readouterr() == ("the settings are good\n", "")
    monkeypatch.setenv(PREFIX + "HTTP_PROT", "1")
    assert cli.main(["config", "check"]) == 0
    out, err = capsys.readouterr()
    assert out and "did you mean" in err
    assert answer(capsys, "check")["warnings"][0].startswith(PREFIX + "HTTP_PROT")
    assert cli.main(["config", "check", "--contexts", "0"]) == 2
    assert "--contexts: got '0'" in capsys.readouterr().err
    assert cli.main(["config", "check", "--host", "0.0.0.0", "--env", "production"]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "", "contexts = 4", "contexts = 0", "contxts = 4", 'api_key_file = "k"', "use_mmap = false",
        'queue_wait_ms = "5s"', "queue_wait_ms = -5", 'log_level = "loud"', "model_alias = ['a']",
        'cors_origins = "https://a, https://b"', "http_port = 'x'",
    ],
)  # fmt: skip
def test_the_schema_agrees_with_the_check(
    text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    schema = answer(capsys, "schema")
    jsonschema.Draft202012Validator.check_schema(schema)
    (tmp_path / "k").write_text("secret")
    text = text.replace('"k"', json.dumps(str(tmp_path / "k")))
    path = tmp_path / "x.toml"
    path.write_text(text)
    try:
        load_settings(str(path))
        is_good = True
    except InvalidArgument:
        is_good = False
    assert jsonschema.Draft202012Validator(schema).is_valid(tomllib.loads(text)) is is_good
