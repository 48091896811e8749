# SPDX-License-Identifier: AGPL-3.0-only
"""docs/http-paths.md: every route has a request, and the server answers as the page says."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from http_client import wait_until
from page_examples import Example, Page, run_curl
from sentiric_llama.commands.parser import build_parser
from sentiric_llama.http.app import api_routes
from sentiric_llama.http.openapi import STATIC
from sentiric_llama.http.operations import OPERATIONS
from server_process import ServerProcess

PAGE = Page("http-paths.md")
EXAMPLES = PAGE.examples()
ADMIN_KEY = "operators"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("served")
    (folder / "hours.txt").write_text("Open from nine to five.\n")
    profiles = folder / "profiles.json"
    profiles.write_text(PAGE.blocks("json")[0])
    settings: dict[str, Any] = {"profiles_path": profiles, "examples_dir": folder, "contexts": 4}
    settings |= {"prefix_cache": False}  # or the figures would depend on the order of the tests
    started = ServerProcess(admin_key=ADMIN_KEY, **settings).wait_ready()
    yield started
    started.check_healthy()
    started.close()


def test_the_page_begins_with_the_start_of_this_server() -> None:
    start = PAGE.blocks("bash")[0]
    assert f"ADMIN_KEY={ADMIN_KEY} " in start and "--no-prefix-cache" in start
    arguments = build_parser(["serve"], "sentiric-llama")[0].parse_args(
        start.split("sentiric-llama ")[1].split()
    )
    assert (arguments.prefix_cache, arguments.examples_dir) == (False, "texts")


@contextmanager
def what_precedes(example: Example, server: ServerProcess) -> Iterator[None]:
    """The request that `DELETE /v1/requests/call-17` cancels."""
    if not example.title.startswith("DELETE /v1/requests"):
        yield
        return
    body = {"messages": [{"role": "user", "content": "hi"}], "ignore_eos": True}
    asked = ("/v1/chat/completions", body | {"max_tokens": 100_000}, {"x-request-id": "call-17"})
    thread = threading.Thread(target=server.post, args=asked)
    thread.start()
    assert wait_until(lambda: server.active == 1)
    yield
    thread.join()


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.title for example in EXAMPLES])
def test_the_answer_is_as_written(server: Any, example: Example) -> None:
    with what_precedes(example, server):
        got = run_curl(example.request, server.url, ADMIN_KEY=ADMIN_KEY)
    example.check(got)


def test_every_example_asks_what_its_heading_says() -> None:
    for example in EXAMPLES:
        method, path = example.title.split()
        told = re.search(r"-X (\w+)", example.request)
        assert method == (told[1] if told else "POST" if " -d " in example.request else "GET")
        pattern = re.sub(r"\\{\w+\\}", "[^/ ]+", re.escape(path))
        assert re.search(rf":16070{pattern}(?:\s|$)", example.request), example.title


def test_every_stream_has_an_example() -> None:
    streams = {f"{method} {path}" for (method, path), op in OPERATIONS.items() if op.events}
    shown = {example.title for example in EXAMPLES if "curl -N" in example.request}
    assert shown == streams - {"POST /chat/completions"}  # another name of one that is shown


def test_every_route_has_an_example() -> None:
    routes = {
        f"{method} {route.path.replace(':path}', '}')}"
        for route in api_routes()
        for method in (route.methods or set()) - {"HEAD"}
        if not route.path.startswith(STATIC)
    }
    written = {example.title for example in EXAMPLES}
    assert not routes - written, "write a request and its answer into docs/http-paths.md"
    assert not written - routes
