# SPDX-License-Identifier: AGPL-3.0-only
"""Log lines: the JSON schema, the readable form, and what never gets into either."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from sentiric_llama.errors import Unavailable
from sentiric_llama.log import events, setup, trace


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restore_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(stream: io.StringIO, **attributes: Any) -> str:
    setup.set_up_logging("debug", stream, env="test")
    events.event(
        logging.getLogger("x"), "SOME_EVENT", "ığ\x00\n\x1b[31m\x7f\x85\u2028", **attributes
    )
    assert setup.flush()
    return stream.getvalue()


def test_json_line() -> None:
    token = trace.CURRENT_TRACE.set(trace.Trace("t", "s", "acme", "r"))
    try:
        text = logged(io.StringIO(), count=3)
    finally:
        trace.CURRENT_TRACE.reset(token)
    assert text.endswith("\n") and text.count("\n") == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", text)
    line = json.loads(text)
    assert line["schema_v"] == "1.0.0" and line["severity"] == "INFO"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
    assert line["resource"].keys() == {
        "service.name",
        "service.version",
        "service.env",
        "host.name",
    }
    assert line["resource"]["service.name"] == "sentiric-llm-llama-service"
    assert (line["trace_id"], line["span_id"], line["tenant_id"]) == ("t", "s", "acme")
    assert line["event"] == "SOME_EVENT" and line["attributes"] == {"count": 3}
    assert line["message"] == "ığ\x00\n\x1b[31m\x7f\x85\u2028"


def test_no_colours_when_they_are_not_wanted() -> None:
    out = Terminal()
    setup.set_up_logging("info", out, colours=False)
    events.event(logging.getLogger("x"), "SOME_EVENT", "hello", count=3)
    assert setup.flush() and "\x1b" not in out.getvalue()


def test_every_source_takes_the_same_pipe() -> None:
    out = io.StringIO()
    setup.set_up_logging("info", out)
    for name in ("uvicorn.error", "grpc", "sentiric_llama.ggml", "py.warnings"):
        logging.getLogger(name).warning("said by %s", name)
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert setup.flush()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    events = ["UVICORN_ERROR", "GRPC", "LLAMA_CPP_WARN", "PY_WARNINGS", "PY_WARNINGS"]
    assert [line["event"] for line in lines] == events
    assert "DeprecationWarning: old" in lines[-1]["message"]


def test_lines_of_grpc_hold_no_words_and_are_few() -> None:
    """Strangers cause them, with a method's name for example."""
    out = io.StringIO()
    setup.set_up_logging("info", out)
    logger = logging.getLogger("grpc._cython.cygrpc")
    words = " ".join(("admin", "key", "rotated"))  # frames show lines of the source
    for _ in range(100):
        try:
            raise ValueError(words)
        except ValueError:
            logger.exception("raised by servicer method [%s]", f"/{words}")
    logger.warning(words)
    assert setup.flush() and words not in out.getvalue()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["GRPC__CYTHON_CYGRPC"] * 2
    assert "ValueError" in lines[0]["exception"]


def test_ids_from_trace_context() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    headers = {"traceparent": parent}
    found = trace.read_trace(headers.get, "http", "made")
    assert (found.trace_id, found.span_id, found.traceparent) == ("a" * 32, "b" * 16, parent)
    assert (found.request_id, found.protocol) == ("made", "http")
    found = trace.read_trace(
        (headers | {"x-trace-id": "own", "x-request-id": "r"}).get, "grpc", "m"
    )
    assert (found.trace_id, found.span_id, found.request_id) == ("own", "b" * 16, "r")
    bad = {"traceparent": "00-zz-1-01", "x-tenant-id": "a b"}
    assert trace.read_trace(bad.get, "http", "m") == trace.Trace(request_id="m", protocol="http")


def test_unknown_ids_are_null() -> None:
    line = json.loads(logged(io.StringIO()))
    assert line["trace_id"] is line["span_id"] is line["tenant_id"] is None


def test_terminal_line() -> None:
    text = re.sub(r"\x1b\[(?:\d;)?\d{1,2}m", "", logged(Terminal(), count=3))  # our own colours
    assert re.match(r"\d\d:\d\d:\d\d INFO  SOME_EVENT ", text) and "count=3" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", text) and text.count("\n") == 1


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_exceptions_show_frames_but_not_foreign_texts(stream: Any) -> None:
    out = stream()
    setup.set_up_logging("info", out)
    for error in (KeyError("a prompt"), Unavailable("closed")):
        try:
            raise error
        except Exception as caught:
            logging.getLogger("x").error("failed", exc_info=caught)
    assert setup.flush()
    text = out.getvalue()
    assert "a prompt" not in text and "KeyError" in text and "test_log.py" in text
    assert "Unavailable" in text and "closed" not in text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_loops_and_servers_say_nothing_of_values(stream: Any) -> None:
    """asyncio shows the repr of a task, and with it the text of its exception."""
    out = stream()
    setup.set_up_logging("info", out)
    error = KeyError("kanarya")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_future()
        context = {"message": "Task exception was never retrieved", "future": repr(error)}
        loop.call_exception_handler(context | {"exception": error, "task": task})
        task.cancel()

    asyncio.run(main())
    logging.getLogger("uvicorn.error").warning("what is %s", "kanarya")
    assert setup.flush()
    text = out.getvalue()
    assert "kanarya" not in text and "Task exception was never retrieved" in text
    assert "KeyError" in text and "what is %s" in text


def test_lone_surrogates_do_not_break_a_line() -> None:
    out = io.StringIO()
    setup.set_up_logging("info", out)
    logging.getLogger("x").warning("a\ud800b")
    assert setup.flush()
    assert json.loads(out.getvalue())["message"] == "a?b"
    assert json.loads(out.getvalue())["severity"] == "WARN"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("abc-1_2", "abc-1_2"),
        ('Some("abc-1")', "abc-1"),
        ("  abc ", "abc"),
        ("x" * 64, "x" * 64),
        ("x" * 65, None),
        ("", None),
        (None, None),
        ("a b", None),
        ("a\r\nb", None),
        ("None", "None"),
        ('Some("")', None),
        ('Some("a b")', None),
        ("é", None),
    ],
)
def test_clean_id(given: str | None, expected: str | None) -> None:
    assert trace.clean_id(given) == expected


@pytest.mark.parametrize("form", ["auto", "text", "json"])
def test_the_form_can_be_chosen(form: str) -> None:
    out = io.StringIO()  # no terminal
    setup.set_up_logging("info", out, form=form)
    token = trace.CURRENT_TRACE.set(trace.Trace(request_id="r-1"))
    try:
        events.event(logging.getLogger("x"), "SOME_EVENT", "hello", count=3)
    finally:
        trace.CURRENT_TRACE.reset(token)
    assert setup.flush()
    line = out.getvalue()
    if form == "text":
        assert "SOME_EVENT hello count=3 request_id=r-1" in line and "\x1b" not in line
    else:
        assert json.loads(line)["request_id"] == "r-1"
