# SPDX-License-Identifier: AGPL-3.0-only
"""What a request asks for. Names and ranges mirror `cpp/include/sentiric/types.h`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Truncation = Literal["drop_turns", "shift", "error"]
Priority = Literal["realtime", "normal", "batch"]
GrammarKind = Literal["none", "gbnf", "json_schema", "json_object", "regex", "choice"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. Special tokens in the content are plain text."""

    role: str
    content: str


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
    top_logprobs: int | None = None
    """None: no log-probabilities. 0..20: those of the chosen token and of so many alternatives."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What the answer must be.

    `text` is GBNF, a JSON schema, a regular expression (ECMA-262) that matches the whole, or a JSON
    array of strings to choose from. A `json_object` has none, or a schema.
    """

    kind: GrammarKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One generation. Exactly one of messages, text and tokens is given."""

    messages: Sequence[Message] = ()
    text: str = ""
    tokens: Sequence[int] = ()
    parse_special: bool = False
    """`text` only: control tokens in it become tokens. For trusted callers."""
    sampling: SamplingParams = SamplingParams()
    grammar: Grammar | None = None
    stop: Sequence[str] = ()
    max_tokens: int = 1024
    ignore_eos: bool = False
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
    """LoRA adapters: file names in the engine's `lora_dir`, and scales."""
    delivered: Sequence[int] = ()
    """Tokens that an earlier run of this same request has sent: the answer resumes behind them."""
    resumed: bool = False
    """An earlier run of it was admitted, so the queue does not refuse it."""
