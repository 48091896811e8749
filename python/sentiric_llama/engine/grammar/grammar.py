# SPDX-License-Identifier: AGPL-3.0-only
"""A grammar that can be compiled, and what it says about texts. Needs no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from sentiric_llama import _host, types
from sentiric_llama.engine.grammar.explanation import Explanation, explain
from sentiric_llama.engine.grammar.given_text import choice_text, schema_text
from sentiric_llama.engine.grammar.random_text import random_text
from sentiric_llama.engine.grammar.schema_notes import SchemaNote, schema_notes
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.types.ranges import out_of_range
from sentiric_llama.types.request import GrammarKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sentiric_llama.engine.grammar.vocabulary import Vocabulary


_KINDS = tuple(kind for kind in get_args(GrammarKind) if kind != "none")


class Grammar(types.Grammar):
    """What an answer must be. A request takes it as its `grammar`.

    Made by one of the five class methods, or from a kind and its text. They raise InvalidGrammar:
    its `where` is a place in what was given, such as `json_schema:/properties/age/minimum`, or
    `json_schema:LINE:COLUMN` in a text that is no JSON. Immutable; any thread.
    """

    __slots__ = ("_native",)

    _native: _host.Grammar

    @classmethod
    def from_json_schema(cls, schema: str | Mapping[str, Any] | bool) -> Grammar:
        """JSON texts that are valid for a schema (2020-12, draft-07, OpenAPI 3.0)."""
        return cls("json_schema", schema_text(schema))

    @classmethod
    def from_regex(cls, pattern: str) -> Grammar:
        """Texts that the whole of an ECMA-262 pattern (flag `u`) matches."""
        return cls("regex", pattern)

    @classmethod
    def from_choice(cls, texts: Sequence[str]) -> Grammar:
        """One of some texts."""
        return cls("choice", choice_text(texts))

    @classmethod
    def from_gbnf(cls, text: str) -> Grammar:
        """Texts of a grammar in llama.cpp's notation."""
        return cls("gbnf", text)

    @classmethod
    def from_structure(cls, structure: str | Mapping[str, Any]) -> Grammar:
        """Texts put together from parts: fixed and free text, JSON by a schema, patterns.

        `docs/structured-output.md` lists the nodes. The `where` of an error names the node, and
        behind a colon the place in its schema: `structure/sequence/1/schema:/properties/age`.
        """
        return cls("structure", schema_text(structure, "structure"))

    @classmethod
    def of(cls, grammar: types.Grammar) -> Grammar:
        """What a request asks for, compiled."""
        return cls(grammar.kind, grammar.text)

    def __init__(self, kind: GrammarKind, text: str = "") -> None:
        super().__init__(kind, text)
        if kind not in _KINDS:
            raise out_of_range("kind", kind, f"one of {', '.join(_KINDS)}")
        if not isinstance(text, str):
            raise InvalidArgument(f"must be a string; got {type(text).__name__}", where=kind)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidGrammar("contains lone surrogates", where=kind) from None
        if kind == "json_object":
            kind, text = "json_schema", text or '{"type": "object"}'
        object.__setattr__(self, "_native", getattr(_host.Grammar, kind)(text))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, self.text)

    def matcher(self) -> _host.Matcher:
        """A matcher at the beginning of a text; for one thread at a time.

        `advance(data)` moves it along bytes and returns how many were allowed; `can_end` says
        whether the text may end there, `allowed_bytes()` which bytes may follow, and `forced(n)`
        which must, up to n of them.
        """
        return _host.Matcher(self._native)

    def notes(self) -> tuple[SchemaNote, ...]:
        """What a JSON schema says without effect: unknown keywords and formats, often typos."""
        return schema_notes(self.text) if self.kind == "json_schema" else ()

    def accepts(self, text: str | bytes) -> bool:
        """True if the text is allowed and complete."""
        matcher, data = self.matcher(), _bytes(text)
        return bool(matcher.advance(data) == len(data) and matcher.can_end)

    def is_prefix(self, text: str | bytes) -> bool:
        """True if the text is allowed as far as it goes."""
        data = _bytes(text)
        return bool(self.matcher().advance(data) == len(data))

    def explain(self, text: str | bytes) -> Explanation:
        """Where the text goes wrong, and what was allowed there."""
        schema = self.text if self.kind in ("json_schema", "json_object") else None
        return explain(self.matcher, _bytes(text), schema)

    def mask(self, vocabulary: Vocabulary, text: str | bytes = "") -> NDArray[np.bool_]:
        """Which tokens may follow a text: one bool for each, shape (number of tokens,).

        Raises InvalidArgument if the text itself is not allowed.
        """
        matcher, data = self.matcher(), _bytes(text)
        if (taken := matcher.advance(data)) != len(data):
            raise InvalidArgument(f"is not allowed from byte {taken} on", where="text")
        return vocabulary.mask(matcher)

    def sample(self, seed: int = 0) -> str:
        """A random text that the grammar accepts; the same for the same seed.

        It has no line breaks, control characters and escapes where the grammar leaves a choice.
        Raises GrammarTooComplex if no end is found.
        """
        return random_text(self.matcher(), seed)


def _bytes(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise InvalidArgument(f"must be a string; got {type(text).__name__}", where="text")
    return text.encode("utf-8", "surrogatepass")  # surrogates are never allowed
