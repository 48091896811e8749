# SPDX-License-Identifier: AGPL-3.0-only
"""A scenario against our own server with a tiny model: the client, the pairs, the counts."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from benchmarks import models, servers, vocabulary
from benchmarks.client import Call, RequestFailed, chat
from benchmarks.prompts import body
from benchmarks.runner import run_one
from benchmarks.scenario import Run, Side, enter_servers
from benchmarks.scenarios.prefixes import Interfere, Shared
from benchmarks.servers import Flags, Server, start_ours
from benchmarks.shapes import ModelSpec
from benchmarks.vocabulary import Vocabulary

import models as test_models

RUN = Run(size="quick", pairs=1, threads=1, seed=1)


class Alone:
    """The scenario with our side only."""

    contexts = 8
    quick_model = ModelSpec("tiny")

    def model(self, run: Run) -> Path:
        return test_models.model("small-q8_0")

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        flags = Flags(self.model(run), self.contexts, 1024, run.threads)
        return enter_servers(stack, {"ours": start_ours(flags)}, self.contexts)


class SharedAlone(Alone, Shared):  # type: ignore[misc]
    pass


class InterfereAlone(Alone, Interfere):  # type: ignore[misc]
    contexts = 4
    loads = Interfere.loads | {"quick": {"prompt": 300, "tokens": 4}}


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "FOLDER", tmp_path)
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    monkeypatch.setattr(servers, "LOGS", tmp_path)
    vocabulary.words_of.cache_clear()


def test_shared_prompts_are_counted() -> None:
    outcome = run_one(SharedAlone(), RUN)
    assert outcome.failure == ""
    (metrics,) = [sides["ours"] for sides in outcome.rounds]
    assert metrics["completion_tokens"] == 8 * 8
    assert 8 * 400 < metrics["prompt_tokens"] < 8 * 600
    assert 0 < metrics["ttft_p50_s"] <= metrics["wall_s"]
    assert 0 <= metrics["cached_tokens"] < metrics["prompt_tokens"]
    assert metrics["cpu_s"] > 0


def test_running_streams_are_watched_while_a_prompt_arrives() -> None:
    outcome = run_one(InterfereAlone(), RUN)
    assert outcome.failure == ""
    (metrics,) = [sides["ours"] for sides in outcome.rounds]
    assert metrics["running_tokens"] >= 2
    assert metrics["gap_p99_s"] <= metrics["gap_max_s"]


def test_a_server_is_started_measured_and_gone(tmp_path: Path) -> None:
    flags = Flags(test_models.model("small-q8_0"), 2, 8192, 1)
    with start_ours(flags) as server:
        server.wait_ready()
        assert chat(server.port, body("hello", max_tokens=3)).completion_tokens == 3
        assert server.rss_mib()["RssAnon"] > 1
        check_refusals(server)
    with pytest.raises(RequestFailed):
        chat(server.port, body("hello"))


def check_refusals(server: Server) -> None:
    """What a server refuses is a failure of the benchmark, and says why."""
    with pytest.raises(RequestFailed, match="status 400"):
        chat(server.port, body("hello", temperature=9))
    call = Call(server.port, body("hello", max_tokens=8000))
    call.wait_first()
    call.stop()
    assert 1 <= len(call.stamps()) < 8000
    with pytest.raises(RequestFailed, match="no usage"):  # it left before the end
        call.answer()


def test_a_missing_model_ends_the_start(tmp_path: Path) -> None:
    server = start_ours(Flags(tmp_path / "no.gguf", 1, 512, 1))
    with server, pytest.raises(servers.ServerFailed, match="ended with"):
        server.wait_ready()


def test_a_model_is_made_once(tmp_path: Path) -> None:
    path = models.model(ModelSpec("tiny"))
    made = path.stat().st_mtime_ns
    assert models.model(ModelSpec("tiny")).stat().st_mtime_ns == made
    assert [file.suffix for file in sorted(tmp_path.iterdir())] == [".gguf", ".key"]


def test_a_reciting_model_knows_its_words() -> None:
    words = [f"\u0120{letters}".encode() for letters in ("one", "two", "three")]
    pieces = (b"x", "\u010a".encode(), *words, b"y")
    known = Vocabulary(pieces, np.ones(len(pieces), dtype=np.bool_))
    before = known.predecessors()
    assert [int(before[index]) for index in (2, 3, 4)] == [1, 2, 3]
    assert sorted(before) == list(range(len(pieces)))
    follower = {int(previous): token for token, previous in enumerate(before)}
    seen, token = [], 1
    for _ in pieces:
        seen.append(token)
        token = follower[token]
    assert sorted(seen) == list(range(len(pieces)))  # one cycle through all tokens
