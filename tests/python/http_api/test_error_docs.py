# SPDX-License-Identifier: AGPL-3.0-only
"""docs/http-errors.md names every code, and shows those that no request leads to as they are."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sentiric_llama
from page_examples import Example, Page
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import ERROR_CLASSES, ERROR_TABLE, ErrorCode
from sentiric_llama.http.errors import error_response
from sentiric_llama.http.middleware.limits import too_slow
from sentiric_llama.http.wire.refusals import NO_NAME, RefusedConnections

PAGE = Page("http-errors.md")
EXAMPLES = PAGE.examples()
CAUSED = [example for example in EXAMPLES if not example.request]
ENGINE_ERRORS = [
    example for example in CAUSED if example.title in set(ErrorCode) - {"unavailable", "internal"}
]
CODE = re.compile(r"[a-z]+(_[a-z]+)+")


def as_text(status: int, headers: Any, body: bytes) -> str:
    """A response as curl shows it."""
    lines = "".join(f"{name}: {value}\n" for name, value in headers)
    return f"HTTP/1.1 {status}\n{lines}\n{body.decode()}"


def codes_of(path: Path) -> Iterator[str]:
    """Codes of errors of the HTTP layer that a module writes down."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call | ast.FunctionDef | ast.Assign):
            continue
        found: list[ast.expr | None] = []
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            found = list(ast.walk(node.value))  # type: ignore[arg-type]
        elif isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in node.args.args[-len(node.args.defaults) :]]
            found = [d for n, d in zip(names, node.args.defaults, strict=False) if n == "code"]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("HttpError", "Denial"):
            found = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "code")]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "_bad":
            found = list(node.args[1:2])
        for value in found:
            if isinstance(value, ast.Constant) and CODE.fullmatch(str(value.value)):
                yield str(value.value)


def test_every_code_is_shown() -> None:
    folder = Path(sentiric_llama.__file__).parent
    sources = [*(folder / "http").rglob("*.py"), folder / "access" / "rights.py"]
    found = {code for path in sources for code in codes_of(path)}
    assert {"invalid_json", "invalid_unicode", "bad_request", "role_missing"} <= found
    codes = found | set(ErrorCode) | {"not_found", "method_not_allowed"}
    shown = {example.title for example in EXAMPLES} - {"In Anthropic's form"}
    assert not codes - shown, "show them in docs/http-errors.md"
    assert not shown - codes
    tables = set(re.findall(r"`(\w+)`", PAGE.text.split("## By example")[0]))
    assert not codes - tables


def test_every_example_has_the_code_of_its_heading() -> None:
    for example in EXAMPLES:
        if example.title.isidentifier():
            assert f'"code": "{example.title}"' in example.answer


def test_the_table_is_that_of_the_taxonomy() -> None:
    part = PAGE.text.split("<!-- errors -->")[1].split("<!-- end of errors -->")[0]
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| `(\w+)` \| (yes)? ?\|", part, re.MULTILINE)
    assert rows == [
        (str(row.http), row.openai_type, code.value, "yes" * row.is_temporary)
        for code, row in ERROR_TABLE.items()
    ]


# Those that no request leads to


def test_every_one_of_them_is_caused_below() -> None:
    tried = {"unavailable", "internal", "request_timeout", "certificate_not_allowed"}
    tried |= {example.title for example in ENGINE_ERRORS}
    assert {example.title for example in CAUSED} == tried
    assert len(ENGINE_ERRORS) > 5


@pytest.mark.parametrize("example", ENGINE_ERRORS, ids=[each.title for each in ENGINE_ERRORS])
def test_errors_of_the_engine(start: Any, example: Example) -> None:
    message = re.search(r'"message": "\[(\w+)\] (.*?)"', example.answer)
    assert message
    error = ERROR_CLASSES[ErrorCode(example.title)](message[2], where=message[1])
    reply = start(lambda: FakeEngine(fail=error)).chat()
    example.check(as_text(reply.status, reply.headers.items(), reply.body))


def only(title: str) -> Example:
    (found,) = (example for example in CAUSED if example.title == title)
    return found


def test_while_the_model_is_loaded(start: Any) -> None:
    reply = start(ready=False).chat()
    only("unavailable").check(as_text(reply.status, reply.headers.items(), reply.body))


def test_a_bug(start: Any) -> None:
    def broken(_request: Any) -> str:
        raise KeyError("secret prompt")

    reply = start(lambda: FakeEngine(broken)).chat()
    only("internal").check(as_text(reply.status, reply.headers.items(), reply.body))


def test_a_body_that_stops_arriving() -> None:
    made = error_response(too_slow())
    text = as_text(made.status_code, made.headers.items(), bytes(made.body))
    only("request_timeout").check(text)


def test_a_certificate_without_an_allowed_name() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def unused(*_: Any) -> Any:
        raise AssertionError

    scope = {"type": "http", "state": {NO_NAME: True}, "path": "/v1/models"}
    asyncio.run(RefusedConnections(unused)(scope, unused, send))
    head, body = sent
    headers = [(name.decode(), value.decode()) for name, value in head["headers"]]
    only("certificate_not_allowed").check(as_text(head["status"], headers, body["body"]))
