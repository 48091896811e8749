# SPDX-License-Identifier: AGPL-3.0-only
"""What is compared, behind one interface: compile a schema, follow a text, ask for masks."""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from typing import Any, ClassVar
from unittest.mock import MagicMock

import numpy as np

from benchmarks.grammars.vocabulary import Tokens
from sentiric_llama._host import Grammar, Matcher, Vocabulary
from sentiric_llama.errors import SentiricLlamaError


class RefusedError(Exception):
    """The engine does not compile the schema."""


class Position(ABC):
    """A place in a text of a grammar."""

    @abstractmethod
    def mask(self) -> Any:
        """What may come next, as the engine's user gets it."""

    @abstractmethod
    def advance(self, token: int) -> bool:
        """False where the token is not allowed."""

    @abstractmethod
    def can_end(self) -> bool: ...


class Engine(ABC):
    name: ClassVar[str]

    @abstractmethod
    def __init__(self, tokens: Tokens, tokenizer: Any) -> None: ...

    @abstractmethod
    def compile(self, schema: str) -> Position:
        """The start of a text, without any cache from earlier calls. Raises RefusedError."""


class _OurPosition(Position):
    def __init__(self, grammar: Grammar, vocabulary: Vocabulary, tokens: Tokens) -> None:
        self._matcher, self._vocabulary, self._texts = Matcher(grammar), vocabulary, tokens.texts

    def mask(self) -> Any:
        return self._matcher.mask(self._vocabulary)

    def advance(self, token: int) -> bool:
        text = self._texts[token]
        return self._matcher.advance(text) == len(text)

    def can_end(self) -> bool:
        return self._matcher.can_end


class Ours(Engine):
    name = "ours"

    def __init__(self, tokens: Tokens, tokenizer: Any) -> None:
        self._tokens = tokens
        texts: list[Any] = [*tokens.texts, b""]  # a stub calls every std::string a str
        self._vocabulary = Vocabulary(texts)

    def compile(self, schema: str) -> Position:
        try:
            grammar = Grammar.json_schema(schema)
        except SentiricLlamaError as error:
            raise RefusedError(str(error)) from error
        return _OurPosition(grammar, self._vocabulary, self._tokens)


class _LLGuidancePosition(Position):
    def __init__(self, matcher: Any, fill: Any, buffer: Any) -> None:
        self._matcher, self._fill, self._buffer = matcher, fill, buffer

    def mask(self) -> Any:
        self._fill(self._matcher, self._buffer)
        return self._buffer

    def advance(self, token: int) -> bool:
        return bool(self._matcher.consume_token(token))

    def can_end(self) -> bool:
        return bool(self._matcher.is_accepting())


class LLGuidance(Engine):
    name = "llguidance"

    def __init__(self, tokens: Tokens, tokenizer: Any) -> None:
        package, numpy_part = map(importlib.import_module, ("llguidance", "llguidance.numpy"))
        self._matcher, self._tokenizer = package.LLMatcher, tokenizer
        self._fill = numpy_part.fill_next_token_bitmask
        self._buffer = numpy_part.allocate_token_bitmask(1, tokens.size)

    def compile(self, schema: str) -> Position:
        try:
            grammar = self._matcher.grammar_from_json_schema(schema)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        matcher = self._matcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise RefusedError(matcher.get_error())
        return _LLGuidancePosition(matcher, self._fill, self._buffer)


class _XGrammarPosition(Position):
    def __init__(self, matcher: Any, buffer: Any) -> None:
        self._matcher, self._buffer = matcher, buffer

    def mask(self) -> Any:
        self._matcher.fill_next_token_bitmask(self._buffer)
        return self._buffer

    def advance(self, token: int) -> bool:
        return bool(self._matcher.accept_token(token))

    def can_end(self) -> bool:
        return bool(self._matcher.is_completed())


class XGrammar(Engine):
    """On one thread, and with the language that JSON Schema says instead of its strict mode."""

    name = "xgrammar"

    def __init__(self, tokens: Tokens, tokenizer: Any) -> None:
        package = self._package()
        self._matcher = package.GrammarMatcher
        info = package.TokenizerInfo(
            [*tokens.texts, b""], vocab_size=tokens.size, stop_token_ids=[tokens.end]
        )
        self._compiler = package.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        self._buffer = np.full((1, (tokens.size + 31) // 32), -1, dtype=np.int32)

    @staticmethod
    def _package() -> Any:
        """Its compiled part does all the work; PyTorch (2 GB) is only imported for types."""
        importlib.import_module("tvm_ffi")  # would use the stand-in
        for name in ("torch", "transformers"):
            sys.modules.setdefault(name, MagicMock(LogitsProcessor=object))
        return importlib.import_module("xgrammar")

    def compile(self, schema: str) -> Position:
        try:
            compiled = self._compiler.compile_json_schema(schema, strict_mode=False)
        except RuntimeError as error:
            raise RefusedError(str(error)) from error
        return _XGrammarPosition(self._matcher(compiled), self._buffer)


ENGINES: dict[str, type[Engine]] = {kind.name: kind for kind in (Ours, LLGuidance, XGrammar)}
