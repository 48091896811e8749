# SPDX-License-Identifier: AGPL-3.0-only
"""`grammar check`: schemas and texts, without a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sentiric_llama.cli import main


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "age.schema.json"
    path.write_text('{"type": "integer", "minimum": 100}')
    return path


def test_a_schema_that_compiles(schema: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grammar", "check", str(schema)]) == 0
    assert "compiles" in capsys.readouterr().out


def test_samples(schema: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grammar", "check", str(schema), "--sample", "5"]) == 0
    numbers = [float(line) for line in capsys.readouterr().out.split()]
    assert len(numbers) == 5 and min(numbers) >= 100


def test_texts(schema: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "answers.jsonl"
    data.write_text("100\n\n16\n")
    assert main(["grammar", "check", str(schema), "--against", str(data)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(":1: accepted") and ":3: line 1, column 3" in lines[1]
    assert main(["grammar", "check", str(schema), "--against", str(data), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [text["accepted"] for text in found["against"]] == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "kind", "against"),
    [
        ("list.gbnf", 'root ::= "a"+', None, "aaa"),
        ("digits.txt", r"\d+" + "\n", "regex", "12"),
        ("choice.json", '["evet", "hayır"]', "choice", "hayır"),
    ],
)
def test_other_kinds(tmp_path: Path, name: str, text: str, kind: str | None, against: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "answer.txt").write_text(against + "\n")
    options = ["--kind", kind] if kind else []
    answer = str(tmp_path / "answer.txt")
    assert main(["grammar", "check", str(tmp_path / name), "--against", answer, *options]) == 0


def test_a_schema_that_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"properties": {"a": {"type": "strin"}}}')
    assert main(["grammar", "check", str(path)]) != 0
    assert "json_schema:/properties/a/type" in capsys.readouterr().err
