# SPDX-License-Identifier: AGPL-3.0-only
"""Run a GGUF model in production from Python.

`Engine` is for threads, `AsyncEngine` for event loops, `sentiric-llama serve` for other programs.
Importing this package loads nothing else: names are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = {
    "engine.aio": ("AsyncAnswerStream", "AsyncEngine"),
    "engine.blocking": ("AnswerStream", "Engine", "Stream"),
    "engine.facts": ("build_info",),
    "engine.grammar.explanation": ("Explanation",),
    "engine.grammar.grammar": ("Grammar",),
    "engine.grammar.schema_notes": ("SchemaNote",),
    "engine.grammar.vocabulary": ("Vocabulary",),
    "engine.stream": ("AsyncStream",),
    "errors": (
        *("Cancelled", "ContextLengthExceeded", "DeadlineExceeded", "ErrorCode", "InternalError"),
        *("GrammarTooComplex", "InvalidArgument", "InvalidGrammar", "ModelInvalid"),
        *("ModelNotFound", "NotSupported", "NumericError", "OutOfMemory", "Overloaded"),
        *("PermissionDenied", "RateLimitExceeded", "SentiricLlamaError", "TemplateFailed"),
        "Unavailable",
    ),
    "types.chat": ("ChatCompletion", "ChatDelta", "Reasoning", "ToolCallDelta"),
    "types": (
        *("Capacity", "ChatRendering", "ChosenLogprob", "Completion", "Delta", "Device"),
        *("EngineConfig", "EngineStats", "Final", "Message", "ModelInfo", "Request"),
        *("SamplingParams", "ThinkingLimit", "Timings", "TokenLogprob", "Tool", "ToolCall"),
        *("TruncationReport", "Usage"),
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from sentiric_llama.host.product import version

        return version()
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"sentiric_llama.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
