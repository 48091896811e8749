# SPDX-License-Identifier: AGPL-3.0-only
"""The programs in examples/ run as they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import models
from terminal_process import CTRL_C, CTRL_D, TerminalProcess

FOLDER = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str | Path, text: str = "") -> str:
    command = [sys.executable, FOLDER / name, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_chat() -> None:
    output = run("chat.py", text="Which port does HTTP use?\nand gRPC?\n\n")
    assert "16070" in output and output.count("> ") == 3


def test_json_schema() -> None:
    answer = json.loads(run("json_schema.py"))
    assert set(answer) == {"protocol", "port"}
    assert 1 <= answer["port"] <= 65535


def test_embeddings() -> None:
    question, *lines = run("embeddings.py").splitlines()
    assert question == "Where do HTTP clients connect?"
    scores = [float(line.split()[0]) for line in lines]
    assert len(lines) == 3 and scores == sorted(scores, reverse=True)


def test_lora(tiny_q8_0: Path, tmp_path: Path) -> None:
    for name in ("legal", "poems"):
        models.adapter(name, "tiny-q8_0", tmp_path / f"{name}.gguf")
    parts = re.split(r"^--- (.*)\n", run("lora.py", tiny_q8_0, tmp_path), flags=re.MULTILINE)
    assert parts[1::2] == ["model alone", "legal", "poems"]
    assert len(set(parts[2::2])) == 3  # each text is its own


def test_a_folder_without_adapters(tiny_q8_0: Path, tmp_path: Path) -> None:
    command = [sys.executable, FOLDER / "lora.py", tiny_q8_0, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "no adapters" in done.stderr


@contextmanager
def running_app() -> Iterator[str]:
    """The address of a running async_app.py, which uvicorn writes when it listens."""
    command = [sys.executable, FOLDER / "async_app.py", "guide", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stderr is not None
        try:
            found = (re.search(r"running on (http://\S+)", line) for line in child.stderr)
            yield next(match[1] for match in found if match)
        finally:
            child.terminate()
            child.communicate(timeout=60)


def test_async_app() -> None:
    with running_app() as url:
        with urllib.request.urlopen(f"{url}/answer", b"Which port does HTTP use?", 60) as answer:
            assert "16070" in answer.read().decode()
        with urllib.request.urlopen(f"{url}/busy", timeout=60) as answer:
            assert json.load(answer) == {"active": 0, "total": 4}


OF_A_SERVER = "structured_output.py"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py") if path.name != OF_A_SERVER)


def test_structured_output(guide: Any) -> None:
    lines = dict(line.split(": ", 1) for line in run(OF_A_SERVER, f"{guide.url}/v1").splitlines())
    person = json.loads(lines["schema"])
    schema = json.loads((FOLDER / "person.schema.json").read_text("utf-8"))
    assert set(schema["required"]) <= person.keys() <= schema["properties"].keys()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", lines["regex"])
    assert lines["choice"] in ("positive", "neutral", "negative")
    assert re.fullmatch(r"(- [a-z ]+;){2,3}", lines["GBNF"])
    assert re.fullmatch(r"(evet|hayır)", lines["stream"])


def test_structured_output_without_a_server() -> None:
    command = [sys.executable, FOLDER / OF_A_SERVER, "http://127.0.0.1:9/v1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no server answers at http://127.0.0.1:9/v1" in done.stderr
    assert run(OF_A_SERVER, "--help").startswith("usage: structured_output.py")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_missing_model_is_no_traceback(name: str, tmp_path: Path) -> None:
    (tmp_path / "adapter.gguf").touch()
    command = [sys.executable, FOLDER / name, "/nope.gguf"]
    command += [tmp_path] if name == "lora.py" else []
    done = subprocess.run(command, input="hi\n", capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "[model] no file /nope.gguf; check the path\n")


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_opens_no_model(name: str) -> None:
    output = run(name, "--help")
    assert output.startswith(f"usage: {name}") and "model" in output


def test_the_maker_of_test_models_has_a_help() -> None:
    maker = Path(models.__file__)
    done = subprocess.run([sys.executable, maker, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and all(name in done.stdout for name in models.RECIPES)
    done = subprocess.run([sys.executable, maker, "nope"], capture_output=True, text=True)
    assert done.returncode == 2 and "unknown: nope" in done.stderr


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_chat_ends_with_a_key(key: str) -> None:
    chat = TerminalProcess((), os.environ, program=[str(FOLDER / "chat.py")])
    try:
        chat.expect("> ")
        chat.press(key)
        assert chat.finish() == 0 and "Traceback" not in chat.shown
    finally:
        chat.close()


def test_every_example_is_listed() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    for path in FOLDER.glob("*.py"):
        assert f"[{path.name}]({path.name})" in readme
