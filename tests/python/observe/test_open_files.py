# SPDX-License-Identifier: AGPL-3.0-only
"""No more connections than there are descriptors for."""

from __future__ import annotations

import logging
import resource

import pytest

from sentiric_llama.host import process
from sentiric_llama.server import serve
from sentiric_llama.settings.config import Settings

SPARE = process.SPARE_FILES


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "raised_to"),
    [
        (4096, 4096, 1024, None),
        (1024, 4096, 1024, 1024 + SPARE),
        (256, 256, 256 - SPARE, None),
        (64, 600, 600 - SPARE, 600),
        (32, 32, 8, None),
        (1024, resource.RLIM_INFINITY, 1024, 1024 + SPARE),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 1024, None),
    ],
)
def test_the_limit_is_raised_or_obeyed(
    soft: int,
    hard: int,
    connections: int,
    raised_to: int | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    raised: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits[0]))
    settings = serve.fit_connections(Settings())
    assert settings.max_connections == connections
    assert raised == ([] if raised_to is None else [raised_to])
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == (connections < 1024)


def test_a_system_that_refuses_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, __: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (512, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert process.allow_connections(1024) == 512 - SPARE
