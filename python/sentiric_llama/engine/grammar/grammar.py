# SPDX-License-Identifier: AGPL-3.0-only
"""A grammar that can be compiled, and what it says about texts. Needs no model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sentiric_llama import _host, types
from sentiric_llama.engine.grammar.explanation import Explanation, explain
from sentiric_llama.engine.grammar.random_text import random_text
from sentiric_llama.errors import InvalidArgument, InvalidGrammar
from sentiric_llama.types.request import GrammarKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sentiric_llama.engine.grammar.vocabulary import Vocabulary


class Grammar(types.Grammar):
    """What an answer must be. A request takes it as its `grammar`.

    Made by one of the four class methods, which raise InvalidGrammar: its `where` is a place in
    what was given, such as `json_schema:/properties/age/minimum`, or `json_schema:LINE:COLUMN` in a
    text that is no JSON. Immutable; any thread.
    """

    __slots__ = ("_native",)

    _native: Any

    @classmethod
    def from_json_schema(cls, schema: str | Mapping[str, Any] | bool) -> Grammar:
        """JSON texts that are valid for a schema (2020-12, draft-07, OpenAPI 3.0)."""
        return cls._compiled("json_schema", schema if isinstance(schema, str) else _json(schema))

    @classmethod
    def from_regex(cls, pattern: str) -> Grammar:
        """Texts that the whole of an ECMA-262 pattern (flag `u`) matches."""
        return cls._compiled("regex", pattern)

    @classmethod
    def from_choice(cls, texts: Sequence[str]) -> Grammar:
        """One of some texts."""
        if isinstance(texts, str):
            raise InvalidArgument("must be a list of strings; got one string", where="choice")
        return cls._compiled("choice", _json(list(texts)))

    @classmethod
    def from_gbnf(cls, text: str) -> Grammar:
        """Texts of a grammar in llama.cpp's notation."""
        return cls._compiled("gbnf", text)

    @classmethod
    def of(cls, grammar: types.Grammar) -> Grammar:
        """What a request asks for, compiled."""
        if grammar.kind == "json_object":
            return cls.from_json_schema(grammar.text or {"type": "object"})
        return cls._compiled(grammar.kind, grammar.text)

    @classmethod
    def _compiled(cls, kind: GrammarKind, text: str) -> Grammar:
        if not isinstance(text, str):
            raise InvalidArgument(f"must be a string; got {type(text).__name__}", where=kind)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidGrammar("contains lone surrogates", where=kind) from None
        grammar = cls(kind, text)
        object.__setattr__(grammar, "_native", getattr(_host.Grammar, kind)(text))
        return grammar

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._compiled, (self.kind, self.text)

    def matcher(self) -> Any:
        """A `Matcher` at the beginning of a text; for one thread at a time."""
        return _host.Matcher(self._native)

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
        """A random text that the grammar accepts; the same for the same seed."""
        return random_text(self.matcher(), seed)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise InvalidGrammar("nested too deeply", where="json_schema") from None
    except (TypeError, ValueError) as error:
        raise InvalidGrammar(f"cannot be written as JSON: {error}", where="json_schema") from None


def _bytes(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise InvalidArgument(f"must be a string; got {type(text).__name__}", where="text")
    return text.encode("utf-8", "surrogatepass")  # surrogates are never allowed
