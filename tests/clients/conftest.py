# SPDX-License-Identifier: AGPL-3.0-only
"""A scripted server for each file, and what a test made it see."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.agents import Place
from clients.server import Record, Server, model_file

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # otherwise it asks the network for prices
os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
os.environ["ANONYMIZED_TELEMETRY"] = "False"


class Seen:
    """What went over the wire since the test began."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._exchanges = len(server.exchanges())
        self._asked = len(server.asked())

    @property
    def exchanges(self) -> list[Record]:
        return self._server.exchanges()[self._exchanges :]

    @property
    def asked(self) -> list[Record]:
        """What the engine was asked for."""
        return self._server.asked()[self._asked :]

    @property
    def bodies(self) -> list[Record]:
        return [each["body"] for each in self.exchanges]

    @property
    def paths(self) -> list[str]:
        return [each["path"] for each in self.exchanges]

    def check(self) -> None:
        """Nothing was refused, and the grammar of each request allowed what was said."""
        refused = [
            (each["path"], each["status"], each["answer"])
            for each in self.exchanges
            if each["status"] >= 400
        ]
        assert not refused
        assert not [each for each in self.asked if each["forbidden"]]


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A file that names an ENGINE_MODEL gets the real engine with it."""
    model = getattr(request.module, "ENGINE_MODEL", None)
    arguments = ("--model", model_file(model)) if model else ()
    made = Server(Path(tmp_path_factory.mktemp("server")), *arguments)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def seen(request: pytest.FixtureRequest) -> Iterator[Seen | None]:
    if "server" not in request.fixturenames:
        yield None
        return
    made = Seen(request.getfixturevalue("server"))
    yield made
    if "refusals" not in request.keywords:
        made.check()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The folder in which an agent works."""
    return Place(tmp_path)
