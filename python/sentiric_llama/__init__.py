# SPDX-License-Identifier: AGPL-3.0-only
"""Run a GGUF model in production from Python.

`Engine` for threads, `AsyncEngine` for an event loop; `sentiric-llama serve` for everyone else.
Importing this package loads nothing: names are found on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentiric_llama.async_engine import AsyncEngine as AsyncEngine
    from sentiric_llama.engine import Engine as Engine
    from sentiric_llama.engine import Stream as Stream
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

_MODULE_OF = {
    "AsyncEngine": "async_engine",
    "Engine": "engine",
    "Stream": "engine",
    "ErrorCode": "errors",
    "SentiricLlamaError": "errors",
    **dict.fromkeys(
        (
            "Capacity",
            "Completion",
            "Delta",
            "EngineConfig",
            "Grammar",
            "Message",
            "ModelInfo",
            "Request",
            "SamplingParams",
        ),
        "types",
    ),
}

__all__ = ["__version__", "build_info", *_MODULE_OF]  # noqa: PLE0604


def build_info() -> dict[str, Any]:
    """Version of this package, of llama.cpp and of what was compiled in."""
    from sentiric_llama import _core

    return _core.build_info()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("sentiric-llm-llama-service")
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"sentiric_llama.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
