# SPDX-License-Identifier: AGPL-3.0-only
"""`config show|check|schema`."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sentiric_llama import cli
from sentiric_llama.errors import InvalidArgument, ModelInvalid
from sentiric_llama.gguf.rules import check_model
from sentiric_llama.server import serve
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
    assert capsys.readouterr() == ("the settings are valid\n", "")
    monkeypatch.setenv(PREFIX + "HTTP_PROT", "1")
    assert cli.main(["config", "check"]) == 0
    out, err = capsys.readouterr()
    assert out and "did you mean" in err
    assert answer(capsys, "check")["warnings"][0].startswith(PREFIX + "HTTP_PROT")
    assert cli.main(["config", "check", "--contexts", "0"]) == 2
    assert "--contexts: got '0'" in capsys.readouterr().err
    assert cli.main(["config", "check", "--host", "0.0.0.0", "--env", "production"]) == 2


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--env", "production", "--api-key", "k"], 2, "GRPC_TLS_CA_PATH"),
        (["--env", "production", "--host", "0.0.0.0"], 2, "no API key is set"),
        (["--tls", "cert"], 2, "half configured"),
        (["--tls", "cert", "--cert-path", "x", "--key-path", "y"], 2, "x cannot be read"),
        (["--tls", "auto", "--tls-dir", "/dev/null/x"], 2, "is not a directory"),
        (["--model-path", "/no/such.gguf"], 3, "no file /no/such.gguf"),
        (["--model-id", "no model"], 3, "neither a file nor a repository"),
        (["--draft-model", "./no.gguf"], 3, "no file no.gguf"),
        (["--host", "host.invalid"], 2, "--host: unknown host 'host.invalid'"),
        (["--host", "192.0.2.7"], 2, "--host: 192.0.2.7 is not an address of this machine"),
        (["--http-port", "7", "--grpc-port", "7"], 2, "HTTP and gRPC cannot share port 7"),
    ],
)
def test_check_refuses_what_a_start_refuses(
    words: list[str],
    code: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`serve` goes through the same list; `test_serve.py` has it as a process."""
    monkeypatch.setattr(serve, "set_up_logging", lambda *_, **__: None)
    assert cli.main(["config", "check", *words]) == code
    out, err = capsys.readouterr()
    assert text in err and "valid" not in out
    assert cli.main(["config", "check", *words, "--json"]) == code
    assert text in "".join(capsys.readouterr())
    ports = ["--grpc-port", "0", "--metrics-port", "0", "--http-port", "0"]
    settings = words if "--http-port" in words else [*ports, *words]
    assert cli.main(["serve", *settings]) == code
    assert cli.main(["doctor", *settings]) == code


def test_strict_fails_on_warnings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["config", "check", "--strict"]) == 0
    monkeypatch.setenv(PREFIX + "HTTP_PROT", "1")
    assert cli.main(["config", "check"]) == 0
    assert "the settings are valid" in capsys.readouterr().out
    assert cli.main(["config", "check", "--strict"]) == 1
    out, err = capsys.readouterr()
    assert not out and "(--strict)" in err
    assert cli.main(["config", "check", "--strict", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["errors"], len(found["warnings"])) == (False, [], 1)


def test_check_says_ok_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "check") == {"ok": True, "errors": [], "warnings": []}
    assert cli.main(["config", "check", "--json", "--model-path", "/no/such.gguf"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"] and found["errors"][0]["code"] == "model_not_found"


@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_a_model_path_that_is_no_file(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits for the other end of a pipe."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    path = Path("/dev/zero") if kind == "device" else tmp_path / kind
    assert cli.main(["config", "check", "--model-path", str(path)]) in (3, 4)
    told = capsys.readouterr().err
    assert {"pipe": "is a named pipe", "directory": "holds no .gguf file"}.get(kind, kind) in told
    with pytest.raises(ModelInvalid, match=rf"is a .*{kind}"):
        check_model(path)


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
