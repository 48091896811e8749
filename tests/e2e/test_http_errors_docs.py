# SPDX-License-Identifier: AGPL-3.0-only
"""docs/http-errors.md: its requests are refused by a server as the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from page_examples import Example, Page, run_curl
from server_process import ServerProcess

EXAMPLES = [example for example in Page("http-errors.md").examples() if example.request]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """No keys and no profiles; a text that is too long, and an adapter that is none."""
    folder: Path = tmp_path_factory.mktemp("served")
    (folder / "large.txt").write_text("x" * (2**20 + 1))
    (folder / "broken.gguf").write_bytes(b"no adapter")
    started = ServerProcess(examples_dir=folder, lora_dir=folder).wait_ready()
    yield started
    started.check_healthy()
    started.close()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, run: Any) -> Iterator[tuple[Any, Any]]:
    """A server with keys, and the keys by the names that the page has for them."""
    keys_file: Path = tmp_path_factory.mktemp("keys") / "keys.json"
    few = ("--requests-per-minute", "1")
    made = {
        variable: run("key", "new", *words, keys_file=keys_file).stdout.strip()
        for variable, words in {"KEY": ("app",), "SMALL_KEY": ("small", *few)}.items()
    }
    started = ServerProcess(keys_file=keys_file, admin_key="operators").wait_ready()
    yield started, made
    started.check_healthy()
    started.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.title for example in EXAMPLES])
def test_the_refusal_is_as_written(server: Any, locked: Any, example: Example) -> None:
    if "Key:" not in example.request:
        example.check(run_curl(example.request, server.url))
        return
    guarded, keys = locked
    calls = 2 if "$SMALL_KEY" in example.request else 1  # the first one is allowed
    *_, got = [run_curl(example.request, guarded.url, **keys) for _ in range(calls)]
    example.check(got)
