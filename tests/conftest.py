# SPDX-License-Identifier: AGPL-3.0-only
"""Models that tests in every folder may ask for, as paths."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import models

# A shell starts background jobs with SIGINT ignored, and every process they start inherits it:
# the tests of Ctrl-C need the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# These rooms stand above the engine's protocol: their tests run with the native engine blocked.
WITHOUT_ENGINE = (
    *("http_api", "rpc", "observe", "test_service.py", "test_switching.py", "test_queue_share.py"),
    *("commands/test_doctor.py", "commands/test_ps.py", "test_seams.py"),
)


@pytest.fixture(autouse=True)
def _no_native_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`@pytest.mark.native` lets a single test load it all the same."""
    place = request.path.as_posix()
    is_above = any(f"/tests/python/{name}" in place for name in WITHOUT_ENGINE)
    if is_above and request.node.get_closest_marker("native") is None:
        import sentiric_llama

        monkeypatch.setitem(sys.modules, "sentiric_llama._core", None)
        monkeypatch.delattr(sentiric_llama, "_core", raising=False)


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
