# SPDX-License-Identifier: AGPL-3.0-only
"""What tests in every folder share: paths of models, and the block of the native engine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import models
import native_block
import pause_report

# A shell starts background jobs with SIGINT ignored, and every process they start inherits it:
# the tests of Ctrl-C need the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    pause_report.report(terminalreporter)


@pytest.fixture(autouse=True, scope="module")
def _no_native_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Blocks the native engine for whole modules, so for their module-scoped fixtures too."""
    if not native_block.is_without_engine(request.path):
        yield
        return
    native_block.block()
    yield
    native_block.unblock()


@pytest.fixture(autouse=True)
def _native_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """`@pytest.mark.native` lets a single test load it all the same."""
    is_marked = request.node.get_closest_marker("native") is not None
    if not is_marked or not native_block.is_without_engine(request.path):
        yield
        return
    native_block.unblock()
    yield
    native_block.block()


def _built(name: str) -> Any:
    @pytest.fixture(scope="session", name=name.replace("-", "_"))
    def path() -> Path:
        return models.model(name)

    return path


tiny_q8_0 = _built("tiny-q8_0")
mamba_q8_0 = _built("mamba-q8_0")
tiny_f16 = _built("tiny-f16")
tiny_q4_0 = _built("tiny-q4_0")
small_q8_0 = _built("small-q8_0")
llama3_q8_0 = _built("llama3-q8_0")
qwen2_q8_0 = _built("qwen2-q8_0")


@pytest.fixture(scope="session")
def guide_path() -> Path:
    """The built-in model of the installed package."""
    from sentiric_llama import guide

    return guide.path()
