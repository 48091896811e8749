# SPDX-License-Identifier: AGPL-3.0-only
"""One schema: its texts and values, and where the compiler and the judges differ."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from grammar.compiler import TooManyOrdersError, accepted_text, accepts, compiled, written
from grammar.judge import Judges, NotJson, read
from grammar.random_values import random_values
from grammar.relaxed import relaxed_values
from grammar.sampler import sample
from grammar.schemas import Schema
from sentiric_llama._host import Grammar, Matcher
from sentiric_llama.errors import SentiricLlamaError

NUM_SAMPLES = 8
NUM_VALUES = 15
NUM_RELAXED = 2
SLOW_S = 1.0
NONE_VALID = "no value is valid"


@dataclass
class Fault:
    """`text` is that of the instance, or how far it came: bytes that are no UTF-8 as surrogates."""

    kind: str
    number: int
    dialect: str
    schema: Schema
    text: str = ""
    detail: str = ""


@dataclass
class Report:
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.counts += other.counts
        self.refusals += other.refusals
        self.faults += other.faults

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"faults": [vars(fault) for fault in self.faults]}


class Case:
    def __init__(self, number: int, dialect: str, schema: Schema, judges: Judges) -> None:
        self.number = number
        self.dialect = dialect
        self.schema = schema
        self.judges = judges
        self.rng = random.Random(number)
        self.report = Report()

    def run(self, values: list[Any]) -> Report:
        """`values` are instances beside those that it makes."""
        values = values + random_values(self.schema, self.rng, NUM_VALUES)
        for _ in range(NUM_RELAXED):
            values += relaxed_values(self.schema, self.rng)
        start = time.perf_counter()
        try:
            grammar = compiled(self.schema)
        except SentiricLlamaError as error:
            self._refused(str(error), values)
            return self.report
        took = time.perf_counter() - start
        if took > SLOW_S:
            self._fault("slow", detail=f"compiled in {took:.1f} s")
        self.report.counts["compiled"] += 1
        try:
            self._judge_samples(self._sample(grammar))
            self._judge_values(grammar, values)
        except SentiricLlamaError as error:
            self._fault("stopped", detail=str(error))
        return self.report

    def _fault(self, kind: str, text: str = "", detail: str = "") -> None:
        self.report.counts[kind] += 1
        fault = Fault(kind, self.number, self.dialect, self.schema, text, detail)
        self.report.faults.append(fault)

    def _verdicts(self, texts: list[str]) -> list[list[bool]]:
        return self.judges.verdicts(self.dialect, self.schema, texts)

    def _refused(self, why: str, values: list[Any]) -> None:
        self.report.counts["refused"] += 1
        place, _, what = why.partition("] ")
        keyword = re.sub(r".*/", "", place) if "/" in place else ""
        self.report.refusals[f"{keyword}: {re.sub('got .*', '', what)[:90]}"] += 1
        if NONE_VALID not in why:
            return
        texts = [written(value) for value in values]
        for text, verdict in zip(texts, self._verdicts(texts), strict=True):
            if verdict and all(verdict):
                return self._fault("refused as impossible", text, why)

    def _sample(self, grammar: Grammar) -> list[str]:
        texts = []
        for index in range(NUM_SAMPLES):
            made = sample(grammar, self.rng.randrange(2**32), by_mask=index % 2 == 0)
            text = made.text.decode(errors="surrogateescape")
            if made.ending == "ended":
                texts.append(text)
                self.report.counts["samples"] += 1
            elif made.ending == "too long":
                self.report.counts["too long"] += 1
            else:
                self._fault(made.ending, text, made.detail)
        return texts

    def _judge_samples(self, texts: list[str]) -> None:
        good = []
        for text in texts:
            try:
                read(text)
                good.append(text)
            except NotJson as error:
                self._fault("not JSON", text, str(error))
        for text, verdict in zip(good, self._verdicts(good), strict=True):
            if not verdict:
                self.report.counts["samples not judged"] += 1
            elif not any(verdict):
                self._fault("invalid sample", text)
            elif not all(verdict):
                self._fault("disputed sample", text, f"{verdict}")

    def _judge_values(self, grammar: Grammar, values: list[Any]) -> None:
        texts = [written(value) for value in values]
        for value, text, verdict in zip(values, texts, self._verdicts(texts), strict=True):
            if not verdict:
                self.report.counts["values not judged"] += 1
                continue
            try:
                found = accepted_text(grammar, value)
            except TooManyOrdersError:
                self.report.counts["values of too many orders"] += 1
                continue
            valid = all(verdict)
            self.report.counts["valid values" if valid else "invalid values"] += 1
            if any(verdict) != valid:
                self._fault("disputed value", text, f"{verdict}")
            elif valid and found is None:
                self._fault("valid value refused", text)
            elif not valid and found is not None:
                self._fault("invalid value accepted", found)
            if valid and found is not None:
                self._judge_spellings(grammar, found)
                if found != text:
                    self.report.counts["valid values accepted in another order"] += 1

    def _judge_spellings(self, grammar: Grammar, found: str) -> None:
        """Members keep their order; a value is also accepted with spaces and with lines."""
        value = read(found, exact=False)
        for style in ({}, {"indent": 1}, {"indent": "\t"}):
            text = json.dumps(value, ensure_ascii=False, **style)
            if not accepts(grammar, text):
                self._fault("spelling refused", text)


def _is_heavy(kind: str, schema: Schema) -> bool:
    start = time.perf_counter()
    grammar = compiled(schema)
    if kind == "slow":
        return time.perf_counter() - start > SLOW_S
    try:
        for number in range(NUM_SAMPLES):
            sample(grammar, number, by_mask=True)
    except SentiricLlamaError:
        return True
    return False


def reproduces(kind: str, dialect: str, schema: Schema, text: str, judges: Judges) -> bool:
    """Whether the schema and the text alone show a fault of this kind."""
    try:
        grammar = compiled(schema)
    except SentiricLlamaError as error:
        verdict = judges.verdicts(dialect, schema, [text])[0]
        impossible = NONE_VALID in str(error) and kind == "refused as impossible"
        return impossible and bool(verdict) and all(verdict)
    if kind in ("slow", "stopped"):
        return _is_heavy(kind, schema)
    if kind == "dead end":
        matcher = Matcher(grammar)
        raw = text.encode(errors="surrogateescape")
        stuck = matcher.advance(raw) == len(raw) and not matcher.allowed_bytes()
        return stuck and not matcher.can_end
    try:
        value = read(text, exact=False)
        verdict = judges.verdicts(dialect, schema, [text])[0]
        if kind == "valid value refused":
            return bool(verdict) and all(verdict) and accepted_text(grammar, value) is None
    except (NotJson, TooManyOrdersError):
        return kind == "not JSON" and accepts(grammar, text)
    if kind.startswith("disputed"):
        return len(set(verdict)) == 2
    if kind == "spelling refused":
        return accepts(grammar, written(value)) and not accepts(grammar, text)
    wrong = kind in ("invalid sample", "invalid value accepted")
    return wrong and accepts(grammar, text) and bool(verdict) and not any(verdict)
