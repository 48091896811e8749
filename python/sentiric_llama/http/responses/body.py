# SPDX-License-Identifier: AGPL-3.0-only
"""The body of `/v1/responses`: fields of OpenAI's API, and our own of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, WithJsonSchema, model_validator

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.responses.conversation import Conversation, input_schema, read_input
from sentiric_llama.http.responses.items import AnyItem
from sentiric_llama.http.responses.tool_choice import CHOICE_SCHEMA, Choice, read_choice
from sentiric_llama.http.responses.tool_table import (
    ToolTable,
    ignored_tools,
    read_tools,
    tools_schema,
)
from sentiric_llama.http.responses.tools import AnyTool
from sentiric_llama.http.schema_rules import NO_ITEMS, NULL, Rules, either, fields
from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange, refused
from sentiric_llama.http.schemas.generation import STOP_SCHEMA, TokenFields
from sentiric_llama.http.schemas.grammar import GrammarFields, ResponseFormat, bounded, no_gbnf
from sentiric_llama.http.schemas.reasoning import ReasoningFields
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.service.grammar_fields import Wanted, the_only
from sentiric_llama.service.request_fields import KNOWN
from sentiric_llama.types import Grammar, Priority
from sentiric_llama.types.ranges import MAX_TOKENS, SAMPLING_RANGES, parse_stop, shown
from sentiric_llama.types.wishes import MAX_TOOL_NAME, Effort

FIELD = "text.format"
LOGPROBS = "message.output_text.logprobs"
SEALED_THOUGHTS = "reasoning.encrypted_content"
INCLUDED = (LOGPROBS, SEALED_THOUGHTS)
"""What `include` can add."""
Summary = Literal["auto", "concise", "detailed", "none"]
"""OpenAI's words, and the one by which agents ask for none."""
TRUNCATIONS: Mapping[str, Any] = {
    "auto": "drop_turns",
    "disabled": "error",
    **{policy: policy for policy in ("drop_turns", "shift", "error")},
}
"""OpenAI's words and our own -> our policies."""
DEFAULT_TRUNCATION = "disabled"
"""As in OpenAI's API: agents shorten their conversations when they read that they are too long."""

STATEFUL: Mapping[str, str] = {
    "store": "nothing is stored here: leave it out, or send false",
    "background": "there are no answers in the background: use stream",
    "previous_response_id": "nothing is stored here: send the earlier items in input",
    "conversation": "nothing is stored here: send the whole conversation in input",
    "prompt": "no templates are stored here: send instructions and input",
}
"""Fields that ask for what a stateless server cannot do -> what to do instead."""
ELSEWHERE: Mapping[str, str] = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "n_predict": "max_output_tokens",
    "system_prompt": "instructions",
}
"""Names that these fields have in chat completions, and here."""

MAX_DESCRIPTION = 64 * 1024
MAX_METADATA, MAX_KEY, MAX_VALUE = 16, 64, 512
MAX_INCLUDE = 32


def read_metadata(value: Any) -> dict[str, str]:
    """What is only given back: short texts."""
    allowed = (
        f"at most {MAX_METADATA} entries; keys up to {MAX_KEY}, "
        f"values strings up to {MAX_VALUE} characters"
    )
    if not isinstance(value, dict) or len(value) > MAX_METADATA:
        raise refused(f"got {shown(value)}, allowed {allowed}")
    for key, text in value.items():
        if len(key) > MAX_KEY or not isinstance(text, str) or len(text) > MAX_VALUE:
            raise refused(allowed)
    return value


def read_truncation(value: Any) -> str:
    if not isinstance(value, str) or value not in TRUNCATIONS:
        raise refused(f"got {shown(value)}, allowed {' | '.join(TRUNCATIONS)}")
    return value


_NEVER = WithJsonSchema({"const": False})
_METADATA = {
    "type": "object",
    "propertyNames": {"maxLength": MAX_KEY},
    "additionalProperties": {"type": "string", "maxLength": MAX_VALUE},
    "maxProperties": MAX_METADATA,
}


class ReasoningField(Body):
    """How much to think. With `summary`, thoughts are given as their own summary."""

    without_effect: ClassVar = frozenset({"context", "mode"})

    effort: Effort | None = None
    summary: Summary | None = None
    generate_summary: Summary | None = None

    @property
    def wants_summary(self) -> bool:
        """The second name is the older one."""
        return (self.summary or self.generate_summary or "none") != "none"


class TextFormat(Body):
    """Plain text, any JSON object, or JSON that follows a schema, be it `strict` or not."""

    rules: ClassVar[Rules] = (
        either(
            fields(type={"enum": ["text", "json_object"]}, schema=NULL),
            fields(["schema"], type={"const": "json_schema"}, schema={"type": "object"}),
        ),
    )

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str | None, Field(max_length=MAX_TOOL_NAME)] = None
    description: Annotated[str | None, Field(max_length=MAX_DESCRIPTION)] = None
    strict: bool | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")

    @model_validator(mode="after")
    def _has_schema(self) -> Self:
        if self.type == "json_schema" and self.schema_ is None:
            raise refused("this field is required", "schema")
        if self.type != "json_schema" and self.schema_ is not None:
            what = f'needs the type "json_schema"; got "{self.type}": change it or leave this out'
            raise refused(what, "schema")
        return self


class TextField(Body):
    """The format, and how long answers should be, which has no effect."""

    without_effect: ClassVar = frozenset({"verbosity"})
    nested: ClassVar = {"format": TextFormat}

    format: TextFormat | None = None

    def grammar(self) -> Grammar | None:
        """What enforces the format; None for plain text."""
        if self.format is None or self.format.type == "text":
            return None
        if self.format.schema_ is None:
            return Grammar("json_object")
        return bounded(self.format.schema_, FIELD)


class ResponsesStreamOptions(Body):
    """OpenAI's `stream_options`."""

    without_effect: ClassVar = frozenset({"include_obfuscation", "include_usage"})


_EXAMPLE: dict[str, Any] = {
    "instructions": "Be brief.",
    "input": "Which port does HTTP use?",
    "max_output_tokens": 100,
}


class ResponsesBody(SamplingFields, TokenFields, GrammarFields, ReasoningFields):
    """A request for a response. At most one field may constrain the answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    without_effect: ClassVar = frozenset(
        {
            *("service_tier", "max_tool_calls", "client_metadata", "context_management"),
            *("prompt_cache_retention", "prompt_cache_options", "moderation"),
            *("access_programs", "background_options", "image"),
        }
    )
    unsupported: ClassVar = dict.fromkeys(("previous_response_id", "conversation", "prompt"), ())
    others: ClassVar = KNOWN
    nested: ClassVar = {
        "response_format": ResponseFormat,
        "input": AnyItem,
        "tools": AnyTool,
        "text": TextField,
        "reasoning": ReasoningField,
        "stream_options": ResponsesStreamOptions,
    }

    rules: ClassVar[Rules] = (
        either(fields(tools=NO_ITEMS), no_gbnf()),
        either(
            fields(tool_choice={"not": {"const": "required"}}),
            fields(["tools"], tools={"type": "array", "minItems": 1}),
        ),
    )

    input: Annotated[Conversation, CheckedBy(read_input, input_schema)]
    model: str | None = None
    instructions: str | None = None
    max_output_tokens: Annotated[int | None, InRange(MAX_TOKENS)] = None
    stream: bool = False
    stream_options: ResponsesStreamOptions = ResponsesStreamOptions()
    tools: Annotated[ToolTable, CheckedBy(read_tools, tools_schema)] = Field(
        default_factory=ToolTable
    )
    tool_choice: Annotated[Choice, CheckedBy(read_choice, CHOICE_SCHEMA)] = Field(
        default_factory=Choice
    )
    parallel_tool_calls: bool = True
    text: TextField = TextField()
    reasoning: ReasoningField = ReasoningField()
    top_logprobs: Annotated[int | None, InRange(SAMPLING_RANGES["top_logprobs"])] = None
    include: list[str] = Field(default_factory=list, max_length=MAX_INCLUDE)
    truncation: Annotated[
        str | None, CheckedBy(read_truncation, {"type": "string", "enum": list(TRUNCATIONS)})
    ] = None
    metadata: Annotated[dict[str, str], CheckedBy(read_metadata, _METADATA)] = Field(
        default_factory=dict
    )
    user: Annotated[str | None, Field(max_length=512)] = None
    safety_identifier: Annotated[str | None, Field(max_length=512)] = None
    prompt_cache_key: Annotated[str | None, Field(max_length=512)] = None
    store: Annotated[bool, _NEVER] = False
    background: Annotated[bool, _NEVER] = False
    stop: Annotated[tuple[str, ...], CheckedBy(parse_stop, STOP_SCHEMA)] = ()
    priority: Priority = "normal"
    rag_context: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_stateless(cls, values: Any) -> Any:
        for name, instead in STATEFUL.items() if isinstance(values, dict) else ():
            if values.get(name) not in (None, False):
                raise refused(f"this field is not supported: {instead}", name)
        for name, here in ELSEWHERE.items() if isinstance(values, dict) else ():
            if values.get(name) is not None:
                raise refused(f"unknown field; did you mean {here}?", name)
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        wanted = self.wanted
        if self.tools.by_name and wanted.grammar is not None and wanted.grammar.kind == "gbnf":
            raise refused("cannot be combined with tools", wanted.field)
        self.tool_choice.check(self.tools)
        return self

    @classmethod
    def ignored_header(cls, values: Mapping[str, Any]) -> dict[str, str]:
        return super().ignored_header(values) | ignored_tools(values.get("tools"))

    @classmethod
    def unused(cls, given: Mapping[str, Any]) -> list[str]:
        """What is included by itself, or never."""
        include = given.get("include")
        others = isinstance(include, list) and any(name not in INCLUDED for name in include)
        return [*super().unused(given), *(["include"] if others else [])]

    @cached_property
    def wanted(self) -> Wanted:
        """The field that constrains the text, and its grammar."""
        try:
            return the_only([super().wanted, Wanted(FIELD, self.text.grammar())])
        except InvalidArgument as error:
            raise refused(error.what, error.where) from None

    @property
    def logprobs(self) -> bool:
        return LOGPROBS in self.include or bool(self.top_logprobs)

    @property
    def refuses_store(self) -> bool:
        """Whether the client says that it sends all items itself."""
        return "store" in self.model_fields_set

    @property
    def wants_sealed_thoughts(self) -> bool:
        return SEALED_THOUGHTS in self.include


ResponsesBody.model_rebuild()  # now, not when the first request waits for it
