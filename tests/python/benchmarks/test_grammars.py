# SPDX-License-Identifier: AGPL-3.0-only
"""The benchmark of grammars: its schemas, its clock, and what it compares."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import jsonschema
import pytest
from benchmarks.grammars import report
from benchmarks.grammars.__main__ import main
from benchmarks.grammars.engines import Engine, Ours, Position, RefusedError
from benchmarks.grammars.measure import CaseResult, measure_all, measure_one, metrics
from benchmarks.grammars.schemas import Case, cases
from benchmarks.grammars.vocabulary import Tokens, parse
from benchmarks.measures import summarise

BYTES = Tokens(tuple(bytes([byte]) for byte in range(256)))


def of_text(text: str) -> list[int]:
    return list(text.encode())


class Reader(Position):
    """Allows the tokens of one text."""

    def __init__(self, tokens: Iterable[int]) -> None:
        self._left = list(tokens)

    def mask(self) -> Any:
        return self._left[:1]

    def advance(self, token: int) -> bool:
        return bool(self._left) and self._left.pop(0) == token

    def can_end(self) -> bool:
        return not self._left


class Fixed(Engine):
    """Knows some schemas and a text of each."""

    name = "llguidance"

    def __init__(self, texts: dict[str, str]) -> None:
        self.asked: list[str] = []
        self._texts = texts

    def compile(self, schema: str) -> Position:
        self.asked.append(schema)
        if schema not in self._texts:
            raise RefusedError("unknown")
        return Reader(of_text(self._texts[schema]))


class Other(Fixed):
    name = "ours"


def measured(ours: dict[str, str], other: dict[str, str], *texts: str) -> list[CaseResult]:
    engines = [Other(ours), Fixed(other)]
    return list(measure_all(engines, [Case(text, text, text) for text in texts], of_text))


def test_the_same_seed_gives_the_same_schemas() -> None:
    assert list(cases(20, 1)) == list(cases(20, 1))
    assert {case.schema for case in cases(20, 1)}.isdisjoint(case.schema for case in cases(20, 2))


def test_every_text_is_one_of_its_schema_and_we_accept_it() -> None:
    engine = Ours(BYTES, None)
    for case in cases(60, 1):
        jsonschema.Draft202012Validator(json.loads(case.schema)).validate(json.loads(case.text))
        found = measure_one(engine, case.schema, of_text(case.text))
        assert found.trouble == ""
        assert len(found.masks_us) == len(found.again_us) == len(found.advances_us) + 1


def test_a_vocabulary_is_read_in_its_order() -> None:
    lines = b"".join(
        base64.b64encode(text) + b" %d\n" % n for n, text in enumerate((b"a", b"\xff"))
    )
    tokens = parse(lines)
    assert tokens.texts == (b"a", b"\xff")
    assert (tokens.end, tokens.size) == (2, 3)


def test_only_what_both_accept_is_compared() -> None:
    known = {"ab": "ab", "abc": "abc"}
    found = measured(known, {"ab": "ab", "abc": "abx", "end": "endless"}, "ab", "abc", "end")
    assert [result.is_shared for result in found] == [True, False, False]
    troubles = [result.engines["llguidance"].trouble for result in found]
    assert troubles == ["", "token 2 of the text is not allowed", "the text may not end"]
    ours, other = metrics(found, "ours"), metrics(found, "llguidance")
    assert (ours["compiled"], ours["accepted"]) == (2, 2)
    assert (other["compiled"], other["accepted"]) == (3, 1)
    longest = max(found[0].engines["ours"].masks_us)
    assert ours["mask_max_us"] == pytest.approx(longest, abs=0.01)


def test_engines_take_turns_at_going_first() -> None:
    order: list[str] = []

    class Noted(Other):
        def compile(self, schema: str) -> Position:
            order.append("ours")
            return super().compile(schema)

    class AlsoNoted(Fixed):
        def compile(self, schema: str) -> Position:
            order.append("other")
            return super().compile(schema)

    list(measure_all([Noted({}), AlsoNoted({})], [Case("x", "x", "x")] * 2, of_text))
    assert order == ["ours", "other", "other", "ours"]


def test_every_figure_is_measured_and_goals_are_against_llguidance_alone() -> None:
    found = measured({"ab": "ab"}, {"ab": "ab"}, "ab")
    sides = {name: metrics(found, name) for name in ("ours", "llguidance")}
    figures = report.figures("llguidance")
    assert all(summarise(figure, [sides]) for figure in figures)
    assert sum(bool(figure.goal) for figure in figures) == 4
    assert not any(figure.goal for figure in report.figures("xgrammar"))


def test_the_report_names_refusals_and_the_slowest() -> None:
    text = "\n".join(report.lines(measured({"a": "a", "b": "b"}, {"a": "a"}, "a", "b")))
    assert "1 of 2 schemas are compared" in text
    assert "llguidance: 1 x refused: unknown (b)" in text
    assert "slow to compile: a, 1 bytes" in text
    assert "slow mask: a, before token" in text


def test_an_unknown_engine_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outlines"]) == 2
    assert "allowed" in capsys.readouterr().err
