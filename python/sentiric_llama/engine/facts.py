# SPDX-License-Identifier: AGPL-3.0-only
"""What the native engine says about itself: its build, its devices, its model and its load."""

from __future__ import annotations

import contextlib
import platform
from typing import TYPE_CHECKING, Any, NoReturn

from sentiric_llama.engine.convert import call, copy_fields
from sentiric_llama.errors import NotSupported
from sentiric_llama.host.product import version
from sentiric_llama.types import Capacity, Device, EngineStats, ModelInfo

if TYPE_CHECKING:
    from sentiric_llama.engine.handle import EngineHandle


def build_info() -> dict[str, Any]:
    """Versions of this package and of llama.cpp, and which features were compiled in."""
    from sentiric_llama import _core

    return dict(_core.build_info())


def build_labels() -> dict[str, str]:
    """Versions of the running software, with llama.cpp's commit if native modules are built."""
    labels = {"version": version(), "python": platform.python_version()}
    with contextlib.suppress(ImportError):
        from sentiric_llama import _host

        labels["llama_cpp"] = _host.LLAMA_COMMIT
    return labels


def check_generation(info: ModelInfo) -> None:
    """Raises NotSupported for a model that has no next token, in the words of the native engine."""
    if not info.can_generate:
        what = "it is an encoder, which computes embeddings and generates no text"
        raise NotSupported(what, where="model")


def supports_gpu() -> bool:
    """True if a backend for GPUs was compiled in. Does not load it."""
    from sentiric_llama import _host

    return _host.SUPPORTS_GPU


def list_devices() -> list[Device]:
    """The devices that the build can compute on, and their free memory.

    Asks the drivers, which blocks for about a millisecond per GPU.
    """
    from sentiric_llama import _core

    return [copy_fields(device, Device) for device in _core.devices()]


class EngineFacts:
    """Base of both engine classes: everything that an open engine can tell without waiting."""

    def __init__(self, handle: EngineHandle) -> None:
        self.handle = handle

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"{name} objects cannot be pickled or copied; open one per process")

    @property
    def info(self) -> ModelInfo:
        """The loaded model and its buffers."""
        return copy_fields(self.handle.core.info, ModelInfo)

    @property
    def capacity(self) -> Capacity:
        """How many contexts are in use and free now."""
        return copy_fields(self.handle.core.capacity, Capacity)

    def stats(self) -> EngineStats:
        """Counters since the engine opened, and gauges of now."""
        return copy_fields(self.handle.core.stats(), EngineStats)

    def check_room(self) -> None:
        """Raises the Overloaded or Unavailable that every request would get now."""
        call("queue", self.handle.core.check_room)

    def devices(self) -> list[Device]:
        """As `list_devices`. Raises Unavailable in a forked child."""
        self.handle.check_process()
        return list_devices()
