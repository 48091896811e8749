# SPDX-License-Identifier: AGPL-3.0-only
"""Errors for wrong arguments of Python callers. They name the argument and the likely fix."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import EngineConfig, Request, SamplingParams

_T = TypeVar("_T")

_WORDS = {
    "int": "an integer",
    "float": "a number",
    "bool": "True or False",
    "str": "a string",
    "tuple": "a list",
    "Sequence": "a list",
    "Mapping": "a mapping",
    "Literal": "one of its names",
}
"""Start of an annotation -> the value it asks for, in words."""


def wrong_value(name: str, value: object) -> InvalidArgument:
    """The error for a value that native code refused."""
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        return InvalidArgument("text with lone surrogates cannot be sent", where=name)
    wanted = _wanted(name)
    if isinstance(value, int) and wanted in ("an integer", "a number"):
        return InvalidArgument("the number is too large", where=name)
    if isinstance(value, list | tuple) and wanted in ("a list", "a mapping"):
        return InvalidArgument("contains an item of the wrong type", where=name)
    got = f"{type(value).__name__}" + (f" {value!r}" if isinstance(value, int | float) else "")
    return InvalidArgument(f"must be {wanted}; got {got}", where=name)


def items_of(values: Iterable[_T], where: str, wanted: str = "a list") -> tuple[_T, ...]:
    """The items of a caller's list. Raises InvalidArgument if it is not a list."""
    is_other = isinstance(values, bytes | bytearray | memoryview | Mapping)
    if is_other or not isinstance(values, Iterable):
        raise InvalidArgument(f"must be {wanted}; got {type(values).__name__}", where=where)
    return tuple(values)


def texts_of(texts: str | Iterable[str]) -> tuple[str, ...]:
    """One text, or those of a list. Raises InvalidArgument for anything else."""
    found = (texts,) if isinstance(texts, str) else items_of(texts, "texts")
    for index, text in enumerate(found):
        if not isinstance(text, str):
            what = f"must be a string; got {type(text).__name__}"
            raise InvalidArgument(what, where=f"texts.{index}")
    return found


def _wanted(name: str) -> str:
    for kind in (Request, SamplingParams, EngineConfig):
        annotation = kind.__annotations__.get(name)
        if annotation is not None:
            for begin, words in _WORDS.items():
                if str(annotation).startswith(begin):
                    return words
    return "another type"


def refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    """Raises InvalidArgument for the first unknown argument and suggests the nearest known one."""
    allowed = sorted(known)
    for name in given:
        if name not in allowed:
            raise InvalidArgument(f"unknown argument{_hint(name, allowed)}", where=name)


def _hint(name: str, allowed: list[str]) -> str:
    sampling = [field.name for field in dataclasses.fields(SamplingParams)]
    if name in sampling and name not in allowed:
        return f"; it is a sampling parameter: SamplingParams({name}=...)"
    names = {**{item: item for item in sampling}, **{item: item for item in allowed}}
    words = sorted(name.split("_"))
    near = [known for known in names if sorted(known.split("_")) == words]  # in another order
    near = near or difflib.get_close_matches(OLD_NAMES.get(name, name), names, n=1)
    if not near:
        return f"; allowed: {', '.join(allowed)}"
    if near[0] in allowed:
        return f"; did you mean {near[0]}?"
    return f"; did you mean SamplingParams({near[0]}=...)?"


OLD_NAMES: Mapping[str, str] = {
    "n_ctx": "context_size",
    "n_gpu_layers": "gpu_layers",
    "n_threads": "compute_threads",
    "n_threads_batch": "compute_threads_batch",
    "n_batch": "batch_size",
    "n_ubatch": "physical_batch_size",
    "flash_attn": "flash_attention",
    "lora_path": "lora_dir",
    "threads": "compute_threads",
    "threads_batch": "compute_threads_batch",
    "ubatch_size": "physical_batch_size",
    "max_new_tokens": "max_tokens",
    "n_predict": "max_tokens",
    "repetition_penalty": "repeat_penalty",
}
"""Name in llama.cpp, in its other bindings or on the wire -> our name."""
