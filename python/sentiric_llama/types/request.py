# SPDX-License-Identifier: AGPL-3.0-only
"""What a request asks for. Names and ranges mirror `cpp/include/sentiric/types.h`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Truncation = Literal["drop_turns", "shift", "error"]
Priority = Literal["realtime", "normal", "batch"]
GrammarKind = Literal["none", "gbnf", "json_schema", "json_object", "regex", "choice", "structure"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that an assistant message holds."""

    id: str
    name: str
    arguments: str
    """JSON text of an object. Any other text is passed on to the template as text."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. Special tokens in its texts are plain text."""

    role: str
    content: str
    reasoning: str = ""
    """What the assistant thought before it answered."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    """The call that a tool message answers."""
    name: str = ""
    """Of the tool that a tool message comes from, or of who speaks."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str
    description: str = ""
    parameters: str = ""
    """JSON schema as text; empty for none."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How tokens are chosen. Out-of-range values raise InvalidArgument at submit."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    repeat_penalty: float = 1.1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repeat_last_n: int = 64
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_penalty_last_n: int = 1024
    dry_sequence_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    seed: int | None = None
    """None draws a random seed. The same seed gives the same text."""
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    allowed_tokens: Sequence[int] = ()
    """Only these and end tokens are chosen; none: all are."""
    top_logprobs: int | None = None
    """None: no log-probabilities. 0..20: those of the chosen token and of so many alternatives."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What the answer must be.

    `text` is GBNF, a JSON schema, a regular expression (ECMA-262) that matches the whole, a JSON
    array of strings to choose from, or a structure. A `json_object` has none, or a schema.
    """

    kind: GrammarKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class ThinkingLimit:
    """How long the thoughts of an answer may be: what stands between `begin` and `end`.

    When they have `max_tokens` tokens in all and one is open, the engine writes `closing`, which
    contains `end`, and the answer goes on. The tokens of the marks and of `closing` do not count.
    """

    begin: str
    """Empty if the model begins no further thought."""
    end: str
    closing: str
    max_tokens: int
    is_open: bool = False
    """The answer begins inside a thought."""


@dataclass(frozen=True, slots=True)
class Request:
    """One generation. Exactly one of messages, text and tokens is given."""

    messages: Sequence[Message] = ()
    tools: Sequence[Tool] = ()
    """`messages` only, like the next two."""
    template_arguments: str = ""
    """JSON object of further variables for the chat template, such as `enable_thinking`."""
    continues: bool = False
    """The last message is the assistant's and goes on: the answer continues its content."""
    text: str = ""
    tokens: Sequence[int] = ()
    parse_special: bool = False
    """`text` only: control tokens in it become tokens. For trusted callers."""
    sampling: SamplingParams = SamplingParams()
    grammar: Grammar | None = None
    stop: Sequence[str] = ()
    """They count in what the answer says: not in a thought that it begins with (`thinking`), and
    not in calls of tools."""
    call_marks: Sequence[str] = ()
    """Texts that begin a call, wherever they stand in the answer."""
    call_opening: str = ""
    """A text that begins one where the answer begins."""
    max_tokens: int = 1024
    min_tokens: int = 0
    """Before so many tokens the answer ends by no end token and no stop token."""
    prompt_logprobs: int | None = None
    """None: none. 0..20: log-probabilities of the prompt's tokens, and so many alternatives each.
    None of the prompt is taken from the prefix cache then."""
    ignore_eos: bool = False
    stop_tokens: Sequence[int] = ()
    """Each ends the answer and is no text of it."""
    bad_words: Sequence[Sequence[int]] = ()
    """Sequences of tokens that never come: the last one is banned after the others."""
    prediction: Sequence[int] = ()
    """What the answer is expected to be or to contain: speculative decoding drafts from it. What
    the answer really is does not depend on it."""
    shown_tokens: Sequence[str] = ()
    """Control tokens whose texts are text in this answer. Other texts are ignored."""
    thinking: ThinkingLimit | None = None
    repetition_limit: int = 0
    """The answer ends when its newest tokens are one block of up to 64 tokens, at least four times,
    and at least so many tokens; 0 = off."""
    truncation: Truncation = "drop_turns"
    shift: bool = True
    deadline_ms: int = 600_000
    queue_wait_ms: int = 0
    """Longest wait for a context; 0 for the engine's limit."""
    priority: Priority = "normal"
    tenant: str = ""
    """Whose fair share of the contexts the request uses."""
    cache_scope: str = ""
    """Only requests of the same scope share cached prefixes."""
    adapters: Sequence[tuple[str, float]] = ()
    """LoRA adapters: files of the engine's `lora_dir` without their ending, and scales."""
    delivered: Sequence[int] = ()
    """Tokens that an earlier run of this same request has sent: the answer resumes after them."""
    resumed: bool = False
    """An earlier run of it was admitted, so the queue does not refuse it."""
