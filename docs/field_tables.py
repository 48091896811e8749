# SPDX-License-Identifier: AGPL-3.0-only
"""Tables of the fields of every request body, from the models that check them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sentiric_llama.http.anthropic import blocks
from sentiric_llama.http.anthropic.body import MessagesBody
from sentiric_llama.http.field_meanings import meaning
from sentiric_llama.http.operations import OPERATIONS
from sentiric_llama.http.responses import items, tools
from sentiric_llama.http.responses.body import ELSEWHERE, ResponsesBody
from sentiric_llama.http.schemas.admin import HardwareBody, SwitchBody
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.schemas.chat import ChatBody
from sentiric_llama.http.schemas.generation import GenerationFields
from sentiric_llama.http.schemas.grammar import GrammarFields
from sentiric_llama.http.schemas.reasoning import ReasoningFields
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.http.schemas.tokens import DetokenizeBody, TokenizeBody
from sentiric_llama.http.schemas.tools import ToolFields
from sentiric_llama.http.texts.completions_body import CompletionsBody
from sentiric_llama.http.texts.embeddings import EmbeddingsBody
from sentiric_llama.service.grammar_fields import NAMES_ELSEWHERE
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import SamplingParams
from sentiric_llama.types.ranges import INT32_MAX, SAMPLING_ALIASES

Grid = Callable[[Sequence[str], Iterable[Sequence[str]]], str]

HEADER = ["field", "what happens", "allowed", "default", "meaning"]
TITLES: Mapping[type[Body], str] = {
    ChatBody: "Chat completions",
    CompletionsBody: "Completions",
    MessagesBody: "Messages",
    ResponsesBody: "Responses",
    EmbeddingsBody: "Embeddings",
    TokenizeBody: "Tokenize",
    DetokenizeBody: "Detokenize",
    SwitchBody: "Switch",
    HardwareBody: "Hardware",
    GenerationFields: "Generation",
    ToolFields: "Tools",
    ReasoningFields: "Reasoning",
    GrammarFields: "Structured output",
    SamplingFields: "Sampling",
}
SHARED = (GenerationFields, SamplingFields, GrammarFields, ToolFields, ReasoningFields)
KINDS: Mapping[type[Body], Mapping[str, type[Body]]] = {
    blocks.Block: blocks.KINDS,
    items.AnyItem: items.KINDS,
    tools.AnyTool: tools.KINDS,
}
"""Objects of several kinds -> those kinds."""
REFUSED: Mapping[type[Body], Mapping[str, str]] = {
    ResponsesBody: ELSEWHERE,
    GrammarFields: NAMES_ELSEWHERE,
}
"""Names that are right elsewhere -> what to send here."""
ONLY: Mapping[type[Body], Mapping[str, Any]] = {
    ToolFields: {"functions": []},
    ResponsesBody: {"store": False, "background": False},
}
"""Fields of which only one value is allowed."""


def all_fields(grid: Grid) -> str:
    """The page: every body, what bodies share, and the objects in them."""
    bodies = dict.fromkeys(op.body for op in OPERATIONS.values() if op.body is not None)
    parts = [_body_text(kind, grid) for kind in bodies]
    parts += [_section(kind, table(kind, grid)) for kind in SHARED]
    parts.append("## Objects\n")
    parts += [f"### {_name(kind)}\n\n{_about(kind)}\n\n{table(kind, grid)}"
              for kind in inner_objects(bodies)]  # fmt: skip
    return "\n".join(parts)


def _section(kind: type[Body], text: str) -> str:
    return f"## {TITLES[kind]}\n\n{text}"


def _body_text(kind: type[Body], grid: Grid) -> str:
    routes = ", ".join(f"`{' '.join(key)}`" for key, op in OPERATIONS.items() if op.body is kind)
    shared = [base for base in SHARED if issubclass(kind, base)]
    links = ", ".join(f"[{TITLES[base].lower()}](#{_anchor(TITLES[base])})" for base in shared)
    also = f"\nAnd the fields of {links}.\n" if links else ""
    return _section(kind, f"{routes}\n\n{table(kind, grid)}{also}")


def inner_objects(bodies: Iterable[type[Body]]) -> list[type[Body]]:
    """The objects in bodies, each once."""
    found: dict[type[Body], None] = {}
    waiting = list(bodies)
    while waiting:
        kind = waiting.pop(0)
        for inner in (*kind.nested.values(), *KINDS.get(kind, {}).values()):
            if inner not in found:
                found[inner] = None
                waiting.append(inner)
    return [kind for kind in found if kind.model_fields and kind not in KINDS]


def table(kind: type[Body], grid: Grid) -> str:
    """The fields that this class itself adds."""
    return grid(HEADER, rows(kind))


def rows(kind: type[Body]) -> Iterator[list[str]]:
    """One row for each field: those that are read, the ignored and the refused."""
    schema = kind.model_json_schema()
    inherited = {name for base in SHARED if base is not kind and issubclass(kind, base)
                 for name in base.model_fields}  # fmt: skip
    refused = _refused(kind)
    for name, info in kind.model_fields.items():
        sent = info.alias or name
        if name not in inherited:
            about, told = schema["properties"][sent], meaning(kind, sent)
            what = "accepted" if told.startswith("means nothing") else "obeyed"
            is_required = sent in schema.get("required", ())
            default = "required" if is_required else _default(kind, sent, about)
            allowed = _allowed(kind, sent, about)
            yield [f"`{sent}`", refused.pop(sent, what), allowed, default, told]
    for name in sorted(_own(kind, "silent")):
        yield [f"`{name}`", "accepted", "anything", "", meaning(kind, name)]
    for name, what in refused.items():
        yield [f"`{name}`", what, "", "", meaning(kind, name)]
    if ignored := sorted(_own(kind, "without_effect")):
        yield [", ".join(f"`{name}`" for name in ignored), "ignored", "anything", "", ""]


def _own(kind: type[Body], name: str) -> frozenset[str]:
    """What a class declares itself, or takes from a base that has no table."""
    for base in kind.__mro__:
        if name in base.__dict__:
            found: frozenset[str] = base.__dict__[name]
            return found if base is kind or base not in SHARED else frozenset()
    return frozenset()


def _refused(kind: type[Body]) -> dict[str, str]:
    """What is refused, as the table says it. OpenAI's old form of tools stands with the new one."""
    owner = ChatBody if kind is ToolFields else kind
    with_tools = kind is ToolFields
    found = {
        name: _refused_but_for(neutral)
        for name, neutral in owner.unsupported.items()
        if owner is not ChatBody or (name in ToolFields.model_fields) == with_tools
    }
    elsewhere = REFUSED.get(kind, {}).items()
    found |= {name: f"refused: here it is `{here}`" for name, here in elsewhere}
    return found | {name: _refused_but_for((value,)) for name, value in ONLY.get(kind, {}).items()}


def _refused_but_for(neutral: Sequence[Any]) -> str:
    values = ", ".join(f"`{json.dumps(value)}`" for value in neutral)
    return f"refused, but for {values}" if values else "refused"


def _default(kind: type[Body], name: str, about: Mapping[str, Any]) -> str:
    if kind is SamplingFields or (kind is MessagesBody and hasattr(_SAMPLING, name)):
        return _sampling_default(SAMPLING_ALIASES.get(name, name))
    value = about.get("default")
    return (
        "" if value in (None, "", [], {}) or isinstance(value, dict) else f"`{json.dumps(value)}`"
    )


_SAMPLING = SamplingParams()


def _sampling_default(name: str) -> str:
    """A setting, or what the engine has."""
    setting = f"default_{name}"
    if setting in Settings.model_fields:
        return f"`{setting.upper()}` ({Settings.model_fields[setting].default})"
    value = getattr(_SAMPLING, name)
    if value is None or value in ((), {}):
        return ""
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _allowed(kind: type[Body], name: str, schema: Mapping[str, Any]) -> str:
    """What a value may be. Objects with fields of their own are links."""
    inner = kind.nested.get(name)
    if inner is None or (not inner.model_fields and inner not in KINDS):
        return _kind(schema)
    objects = KINDS[inner].values() if inner in KINDS else (inner,)
    links = " or ".join(dict.fromkeys(f"[{_name(each)}](http-fields.md#{_anchor(_name(each))})"
                                      for each in objects))  # fmt: skip
    kinds = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    told = [_kind(each, links) if _is_list(each) or _is_object(each) else _kind(each)
            for each in kinds]  # fmt: skip
    return " or ".join(dict.fromkeys(told))


def _is_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array"


def _is_object(schema: Mapping[str, Any]) -> bool:
    return "$ref" in schema or "properties" in schema


def _kind(schema: Mapping[str, Any], item: str = "") -> str:
    """A JSON schema in words; `item` is what an object, or one in a list, is called."""
    if "anyOf" in schema:
        kinds = [_kind(each, item) for each in schema["anyOf"] if each != {"type": "null"}]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{value}`" for value in values)
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(_kind({"type": each}) for each in kind if each != "null")
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "array":
        few = _bounds(schema, "minItems", "maxItems")
        inner = item or _kind(schema.get("items", {}))
        inner = f"({inner})" if " or " in inner else inner
        return f"list of {few}: {inner}" if few else f"list of {inner}"
    if kind == "string":
        long = _bounds(schema, "minLength", "maxLength")
        return f"string of {long} characters" if long else "string"
    words = {"boolean": "bool", "object": item or "object", None: item or "anything"}
    return words[kind]


def _bounds(schema: Mapping[str, Any], low: str, high: str) -> str:
    if high not in schema:
        return ""
    return f"{schema[low]} to {schema[high]}" if low in schema else f"up to {schema[high]}"


def _number(schema: Mapping[str, Any]) -> str:
    kind = "integer" if schema["type"] == "integer" else "number"
    if "maximum" not in schema:
        return kind
    high = schema["maximum"]
    if high >= 2**63 - 1:
        return f"64-bit {kind}"
    above = "above " if "exclusiveMinimum" in schema else ""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    return f"{kind} {above}{low}..{'' if high == INT32_MAX else high}"


def _name(kind: type[Body]) -> str:
    """The name of an object; of two with the same name, that of the Responses API says so."""
    return f"Responses{kind.__name__}" if kind is tools.CustomTool else kind.__name__


def _about(kind: type[Body]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
