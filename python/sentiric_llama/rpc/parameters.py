# SPDX-License-Identifier: AGPL-3.0-only
"""`engine_specific_params`: its values, and what becomes of each name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.rpc.chat.extra import NAMES
from sentiric_llama.service.grammar_fields import (
    EMPTY_IS_UNSET,
    GRAMMAR_FIELDS,
    refuse_names_elsewhere,
)
from sentiric_llama.service.request_fields import (
    UNSUPPORTED,
    WITHOUT_EFFECT,
    check_supported,
    safe_name,
)
from sentiric_llama.types.ranges import SAMPLING_ALIASES, SAMPLING_RANGES, out_of_range

WHERE = "engine_specific_params"
MAX_BYTES = 256 * 1024

SAMPLING = frozenset(
    {*SAMPLING_RANGES, *SAMPLING_ALIASES, "dry_sequence_breakers", "logit_bias"}
) - {"top_logprobs"}
OTHERS = NAMES | {*GRAMMAR_FIELDS, "truncation", "ignore_eos", "model", "priority"}
ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("stop", "stop_sequences"), "params.stop_sequences"),
    **dict.fromkeys(("max_tokens", "max_completion_tokens"), "params.max_new_tokens"),
    **dict.fromkeys(("max_new_tokens", "n_predict"), "params.max_new_tokens"),
    **dict.fromkeys(("lora_adapter", "lora_adapter_id"), "lora_adapter_id"),
    **dict.fromkeys(("messages", "history"), "history"),
    **{name: name for name in ("system_prompt", "user_prompt", "rag_context")},
}
"""Parameters that the request has a field for -> that field."""
NOT_IN_THIS_CALL: Mapping[str, tuple[Any, ...]] = {
    "response_format": ({}, {"type": "text"}),
    **dict.fromkeys(("tools", "functions"), ([],)),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "continue_final_message": (False,),
    "add_generation_prompt": (True,),
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "stream": (True,),
}
"""Fields of HTTP that have no place in this call -> the values that request nothing."""
_NO_EFFECT = WITHOUT_EFFECT | {"stream_options"}
_KNOWN = (
    SAMPLING | OTHERS | _NO_EFFECT | ELSEWHERE.keys() | UNSUPPORTED.keys() | NOT_IN_THIS_CALL.keys()
)
_MAX_EXACT = 2**53
"""Up to here, a double that is whole is an integer."""


def read_parameters(
    struct: struct_pb2.Struct, *, strict: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parameters with an effect, and the safe names of those without.

    Raises InvalidArgument for what would change the answer and cannot, and for unknown names if
    `strict`.
    """
    size = struct.ByteSize()
    if size > MAX_BYTES:  # each of its values becomes a Python object
        raise out_of_range(WHERE, size, f"at most {MAX_BYTES} bytes")
    given = to_object(struct)
    refuse_names_elsewhere(given)
    found, ignored = {}, []
    for name, value in given.items():
        if value == "" and name in EMPTY_IS_UNSET:
            ignored.append(name)
        elif name in SAMPLING or name in OTHERS:
            found[name] = value
        elif value is not None and not _is_neutral(name, value):
            ignored.append(safe_name(name))
    if strict and (unknown := sorted(given.keys() - _KNOWN)):
        raise InvalidArgument(f"unknown field; got {safe_name(unknown[0])!r}", where=WHERE)
    return found, tuple(ignored)


def _is_neutral(name: str, value: object) -> bool:
    """True if the value requests nothing. Raises if it requests what does not work here."""
    if name in ELSEWHERE:
        what = f"does not belong in {WHERE}; set the field {ELSEWHERE[name]} of the request"
        raise InvalidArgument(what, where=name)
    for table in (UNSUPPORTED, NOT_IN_THIS_CALL):
        if name in table:
            check_supported(name, value, table[name])
            return True
    return False


def to_object(struct: struct_pb2.Struct, path: str = "") -> dict[str, Any]:
    """The values of a struct. Raises InvalidArgument at the path of one that JSON does not have."""
    return {name: _value(value, path + safe_name(name)) for name, value in struct.fields.items()}


def _value(value: struct_pb2.Value, path: str) -> Any:
    """A value as JSON has it; whole numbers are integers. `path` is for the error."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return to_object(value.struct_value, f"{path}.")
    if kind == "list_value":
        items = enumerate(value.list_value.values)
        return [_value(item, f"{path}.{index}") for index, item in items]
    if kind == "number_value":
        return _number(value.number_value, path)
    return None if kind in (None, "null_value") else getattr(value, kind)


def _number(number: float, path: str) -> float:
    if not math.isfinite(number):
        raise out_of_range(path, number, "a finite number")
    return int(number) if number.is_integer() and abs(number) <= _MAX_EXACT else number
