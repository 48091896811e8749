# SPDX-License-Identifier: AGPL-3.0-only
"""`grammar check`: schemas and texts, without a model."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from sentiric_llama import Grammar
from sentiric_llama.cli import main
from sentiric_llama.locale import messages

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "codes": {"type": "array", "items": {"type": "string", "pattern": "^[-/]+$"}},
    },
    "required": ["name", "codes"],
    "additionalProperties": False,
}


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "age.schema.json"
    path.write_text('{"type": "integer", "minimum": 100}')
    return path


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def give_input(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))


def test_a_schema_that_compiles(schema: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grammar", "check", str(schema)]) == 0
    assert "compiles" in capsys.readouterr().out


def test_samples(schema: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grammar", "check", str(schema), "--sample", "5"]) == 0
    numbers = [float(line) for line in capsys.readouterr().out.split()]
    assert len(numbers) == 5 and min(numbers) >= 100


def test_what_is_printed_is_a_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "person.json", json.dumps(PERSON))
    assert main(["grammar", "check", path, "--sample", "100"]) == 0
    printed = capsys.readouterr().out
    grammar = Grammar.from_json_schema(PERSON)
    lines = printed.split("\n")[:-1]
    assert len(lines) == 100 and all(map(grammar.accepts, lines))
    assert "\\u" not in printed and "\t" not in printed
    answers = write(tmp_path / "samples.jsonl", printed)
    assert main(["grammar", "check", path, "--against", answers]) == 0


def test_a_seed_chooses_the_samples(schema: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def samples(*options: str) -> list[str]:
        assert main(["grammar", "check", str(schema), "--json", *options]) == 0
        found: list[str] = json.loads(capsys.readouterr().out)["samples"]
        return found

    five = samples("--sample", "5", "--seed", "7")
    assert five == samples("--sample", "5", "--seed", "7") != samples("--sample", "5")
    assert five[1:] == samples("--sample", "4", "--seed", "8")
    assert samples("--sample", "5") == samples("--sample", "5", "--seed", "0")


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
    ("text", "options", "verdicts"),
    [
        ("100\r\n\r\n200\r\n", ["--lines"], [True, True]),
        ("100\r\n", [], [True]),
        ("100\n", [], [True]),
        ("100\n\n", [], [False]),
        ("100\r", [], [False]),
        (" 100\n", ["--lines"], [False]),
        ("\ufeff100\n", [], [True]),
        ("100\n16", ["--lines"], [True, False]),
    ],
)
def test_lines_and_line_ends(
    schema: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    options: list[str],
    verdicts: list[bool],
) -> None:
    data = write(tmp_path / "answer.txt", text)
    for name in (data, "-"):
        give_input(monkeypatch, text)
        code = main(["grammar", "check", str(schema), "--json", *options, "--against", name])
        found = json.loads(capsys.readouterr().out)["against"]
        assert [verdict["accepted"] for verdict in found] == verdicts
        assert code == (0 if all(verdicts) else 1)


def test_one_standard_input(schema: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_input(monkeypatch, '{"type": "null"}')
    assert main(["grammar", "check", "-"]) == 0
    assert main(["grammar", "check", "-", "--against", "-"]) == 2


@pytest.mark.parametrize(
    ("name", "text", "kind", "against"),
    [
        ("list.gbnf", 'root ::= "a"+', None, "aaa"),
        ("digits.txt", r"\d+" + "\n", "regex", "12"),
        ("digits.txt", r"\d+" + "\r\n", "regex", "12"),
        ("choice.json", '["evet", "hayır"]', "choice", "hayır"),
        ("choice.txt", "evet\r\n\r\nhayır\r\n", "choice", "hayır"),
        ("choice.txt", "\ufeffevet\nhayır", "choice", "evet"),
        ("person.json", '\ufeff{"const": "a"}', None, '"a"'),
    ],
)
def test_other_kinds(tmp_path: Path, name: str, text: str, kind: str | None, against: str) -> None:
    path = write(tmp_path / name, text)
    answer = write(tmp_path / "answer.txt", against + "\n")
    options = ["--kind", kind] if kind else []
    assert main(["grammar", "check", path, "--against", answer, *options]) == 0
    write(tmp_path / "answer.txt", against + "!\n")
    assert main(["grammar", "check", path, "--against", answer, *options]) == 1


def test_a_schema_that_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"properties": {"a": {"type": "strin"}}}')
    assert main(["grammar", "check", str(path)]) != 0
    assert "json_schema:/properties/a/type" in capsys.readouterr().err


def test_files_that_cannot_be_read_are_named(
    schema: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing.json")
    assert main(["grammar", "check", missing]) == 2
    assert f"[FILE] cannot read {missing}: No such file" in capsys.readouterr().err
    assert main(["grammar", "check", str(schema), "--against", missing]) == 2
    assert f"[--against] cannot read {missing}: No such file" in capsys.readouterr().err
    latin = write(tmp_path / "latin.txt", "ş".encode("iso-8859-9"))
    assert main(["grammar", "check", str(schema), "--against", latin]) == 2
    assert f"{latin} is not UTF-8 from byte 0 on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "options", "hint"),
    [
        ("list.txt", [], True),
        ("list.json", [], False),
        ("list.txt", ["--kind", "json_schema"], False),
    ],
)
def test_what_no_schema_is_was_taken_for_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, options: list[str], hint: bool
) -> None:
    path = write(tmp_path / name, 'root ::= "a"')
    assert main(["grammar", "check", path, *options]) == 2
    told = capsys.readouterr().err
    assert "not JSON" in told
    assert (f"{path} was taken for a JSON schema: use --kind" in told) == hint


def test_notes_fail_only_if_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typo = write(tmp_path / "typo.json", '{"propertys": {}, "format": "Date"}')
    assert main(["grammar", "check", typo]) == 0
    told = capsys.readouterr()
    assert "note: /propertys: unknown keyword, without effect; did you mean properties?" in told.err
    assert "note: /format: unknown format 'Date'" in told.err and "note" not in told.out
    assert main(["grammar", "check", typo, "--strict"]) == 1
    capsys.readouterr()
    assert main(["grammar", "check", typo, "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert [note["pointer"] for note in notes] == ["/propertys", "/format"]
    right = write(tmp_path / "right.json", '{"properties": {"propertys": {}}, "x-a": 1}')
    assert main(["grammar", "check", right, "--strict"]) == 0
    assert "note" not in capsys.readouterr().err


def test_in_turkish(schema: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "a.jsonl", "100\n16\n1x\n")
    try:
        assert main(["grammar", "check", str(schema), "--lang", "tr"]) == 0
        assert capsys.readouterr().out == "dil bilgisi geçerli\n"
        assert main(["grammar", "check", str(schema), "--against", data, "--lang", "tr"]) == 1
    finally:
        messages.set_language("en")
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"{data}:1: kabul edildi"
    assert second.startswith(f"{data}:2: satır 1, sütun 3, '16' sonrasında: gelen metnin sonu, ")
    assert third.startswith(f"{data}:3: satır 1, sütun 2, '1' sonrasında: gelen 'x', izin verilen")
