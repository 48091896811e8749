# SPDX-License-Identifier: AGPL-3.0-only
"""docs/structured-output.md: its examples run as written, its tables name what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama import Grammar
from sentiric_llama.engine.grammar.schema_notes import FORMATS
from sentiric_llama.engine.options import CONSTRAINTS
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.rpc.generated import engine_pb2
from sentiric_llama.service.grammar_fields import (
    EMPTY_IS_UNSET,
    GRAMMAR_FIELDS,
    NAMES_ELSEWHERE,
    STRUCTURED,
)

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "structured-output.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def at(server: Any, text: str) -> str:
    grpc = server.grpc_address.rpartition(":")[2]
    return text.replace("http://127.0.0.1:16070", server.url).replace(":16071", f":{grpc}")


def run(command: list[str], cwd: Path | None = None, text: str = "", code: int = 0) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, input=text)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.mark.parametrize("example", blocks("python"))
def test_python(guide: Any, example: str) -> None:
    printed = run([sys.executable, "-c", at(guide, example)])
    assert printed.strip() and "cut off" not in printed
    for said in re.findall(r"^print\(.*\)  # (True|line .*)$", example, re.MULTILINE):
        assert said in printed.splitlines()


@pytest.mark.parametrize("line", [block for block in blocks("bash") if "curl" in block])
def test_curl(guide: Any, line: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    answer = json.loads(run(["sh", "-c", at(guide, line).replace("curl ", "curl -s ", 1)]))
    assert answer["choices"][0]["message"]["content"] in ("positive", "neutral", "negative")


def commands() -> list[str]:
    (block,) = (block for block in blocks("bash") if "sentiric-llama generate" in block)
    return block.splitlines()


@pytest.mark.parametrize("line", commands())
def test_generate(guide: Any, line: str) -> None:
    program = f"{sys.executable} -m sentiric_llama"
    shell = f"{line.replace('sentiric-llama', program, 1)} --url {guide.url}"
    assert run(["sh", "-c", shell], ROOT).strip()


def test_checks_print_what_the_page_shows() -> None:
    (block,) = blocks("console")
    shown = re.findall(r"^\$ (.*)\n(.*)$", block, re.MULTILINE)
    assert len(shown) == 3
    for line, output in shown:
        shell = line.replace("sentiric-llama", f"{sys.executable} -m sentiric_llama")
        code = 0 if output.endswith(("accepted", "compiles")) else 1
        assert run(["sh", "-c", shell], ROOT, code=code) == f"{output}\n"


def test_the_table_of_names() -> None:
    table = PAGE.split("<!-- names -->")[1].split("<!-- end of names -->")[0]
    rows = [row.split(" | ") for row in table.strip().splitlines()[2:]]
    http = {name for row in rows for name in re.findall(r"`([\w.]+)", row[1])}
    assert http == {
        *(set(GRAMMAR_FIELDS) - {"structured_outputs"}),
        *(f"structured_outputs.{name}" for name in STRUCTURED),
        "response_format",
    }
    assert {name.partition(".")[0] for name in http} <= ChatBody.model_fields.keys()
    rpc = {name for row in rows for name in re.findall(r"`(\w+)", row[2])}
    (group,) = (each for each in engine_pb2.ChatRequest.DESCRIPTOR.oneofs if each.name == "grammar")
    assert rpc == {field.name for field in group.fields}
    library = {name for row in rows for name in re.findall(r"`(\w+)=", row[3])}
    assert library == set(CONSTRAINTS)
    makers = {name for row in rows for name in re.findall(r"Grammar\.(\w+)", row[3])}
    assert all(hasattr(Grammar, name) for name in makers)


def test_the_table_of_values() -> None:
    (unset,) = re.findall(r'^\| `""` in (.*?) \|', PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", unset)) == EMPTY_IS_UNSET
    (others,) = re.findall(r"^\| the names of another interface: (.*?) \|", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", others)) == NAMES_ELSEWHERE.keys()


def test_formats_and_look_around() -> None:
    (formats,) = re.findall(r"`format` is enforced for ([^.]*)\.", PAGE)
    assert set(re.split(r",\s+|\s+and\s+", formats.strip())) == set(FORMATS)
    (works, fails) = re.findall(r"the end of the text: (.*?) work,\s+(.*?) does not", PAGE, re.S)[0]
    for pattern in re.findall(r"`(.*?)`", works):
        assert Grammar.from_json_schema({"type": "string", "pattern": pattern}).sample()
    with pytest.raises(ValueError, match="look-ahead"):
        Grammar.from_json_schema({"type": "string", "pattern": fails.strip("`")})


def test_what_is_said_of_spelling() -> None:
    grammar = Grammar.from_json_schema({"properties": {"a": True, "b": True}, "type": "object"})
    for text in ('{"a":1}', '{"a": 1}', '{ "a": 1, "b": 2 }', '{\n  "a": 1\n}', '{"b":1,"c":2}'):
        assert grammar.accepts(text), text
    for text in ('{"a" :1}', '{"a":  1}', '{"a":\r\n1}', ' {"a":1}', '{"a":1}\n', '{"b":1,"a":2}',
                 '{"\\u0061":1}', '{"\\u00e7":1}', '{"a":1,"a":1}'):  # fmt: skip
        assert not grammar.accepts(text), text
    assert not Grammar.from_json_schema({"maximum": 0.1}).accepts("0.10000000000000000000001")
