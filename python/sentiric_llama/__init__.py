# SPDX-License-Identifier: AGPL-3.0-only
"""Run a GGUF model in production from Python.

`Engine` for threads, `AsyncEngine` for an event loop; `sentiric-llama serve` for everyone else.
Importing this package loads nothing: names are found on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentiric_llama.engine.aio import AsyncEngine as AsyncEngine
    from sentiric_llama.engine.blocking import Engine as Engine
    from sentiric_llama.engine.blocking import Stream as Stream
    from sentiric_llama.engine.build import build_info as build_info
    from sentiric_llama.errors import ErrorCode as ErrorCode
    from sentiric_llama.errors import SentiricLlamaError as SentiricLlamaError
    from sentiric_llama.types import Capacity as Capacity
    from sentiric_llama.types import Completion as Completion
    from sentiric_llama.types import Delta as Delta
    from sentiric_llama.types import EngineConfig as EngineConfig
    from sentiric_llama.types import Grammar as Grammar
    from sentiric_llama.types import Message as Message
    from sentiric_llama.types import ModelInfo as ModelInfo
    from sentiric_llama.types import Request as Request
    from sentiric_llama.types import SamplingParams as SamplingParams

_NAMES = {
    "engine.aio": ("AsyncEngine",),
    "engine.blocking": ("Engine", "Stream"),
    "engine.build": ("build_info",),
    "errors": ("ErrorCode", "SentiricLlamaError"),
    "types": (
        *("Capacity", "Completion", "Delta", "EngineConfig", "Grammar"),
        *("Message", "ModelInfo", "Request", "SamplingParams"),
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from sentiric_llama.host.product import version

        return version()
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"sentiric_llama.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
