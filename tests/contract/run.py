# SPDX-License-Identifier: AGPL-3.0-only
"""Generates requests with Schemathesis, sends them, and counts what came of them."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from contract.answers import EVENTS, Answer, Contract
from contract.known import bound_costs, examples_of, fill_body, fill_path
from contract.world import ADMIN, World

SAME = 20
"""Cases of an operation that takes nothing, so that they are all the same."""
MODEL_LOADS = 40
"""Cases of an operation that loads a model."""
LOADING = ("/v1/models/switch", "/v1/hardware/config")
ENDLESS = ("/v1/stats/stream",)
NEGATIVE_EVERY = 5
"""One case of so many breaks its schema."""
MOST_SHOWN = 5
MOST_OF_CASE = 3000
TIMEOUT_S = 60


@dataclass
class Tally:
    """What became of the cases of one operation."""

    label: str
    succeeds: bool
    statuses: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Of all cases, those that were answered with 2xx."""
        good = sum(count for status, count in self.statuses.items() if 200 <= status < 300)
        return good / max(self.statuses.total(), 1)

    def note(self, problem: str, case: str) -> None:
        self.problems[problem] += 1
        self.examples.setdefault(problem, case)


class Runner:
    """Sends cases to a world."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._session = requests.Session()
        document = world.document()
        self._contract = Contract(document)
        self._examples = examples_of(document)
        self._schema = schemathesis.openapi.from_dict(document)

    def operations(self, only: str = "") -> list[Any]:
        """Those whose label contains a text; what loads a model comes last."""
        found = [result.ok() for result in self._schema.get_all_operations()]
        found = [operation for operation in found if only in operation.label]
        return sorted(found, key=lambda operation: operation.path in LOADING)

    def run(self, operation: Any, count: int) -> Tally:
        """Tries one operation with so many cases."""
        method, path = operation.method.upper(), operation.path
        tally = Tally(operation.label, self._contract.allows(method, path, 200))
        if operation.body or operation.path_parameters:
            wrong = count // NEGATIVE_EVERY
            self._try(operation, GenerationMode.POSITIVE, count - wrong, tally)
            with contextlib.suppress(hypothesis.errors.Unsatisfiable):
                self._try(operation, GenerationMode.NEGATIVE, wrong, tally)
        else:
            case = operation.Case()
            for _ in range(count):
                self._send(case, tally)
        return tally

    def _try(self, operation: Any, mode: Any, count: int, tally: Tally) -> None:
        """Draws until there are so many: Hypothesis ends early when it repeats itself."""
        wanted = tally.statuses.total() + count
        for turn in range(10):
            if (left := wanted - tally.statuses.total()) > 0:
                self._draw(operation, mode, left, self._seed + turn, tally)

    def _draw(self, operation: Any, mode: Any, count: int, seed: int, tally: Tally) -> None:
        sent = 0

        @hypothesis.seed(seed)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), chance=st.integers(0, 2**32))
        def send(case: Any, chance: int) -> None:
            nonlocal sent
            if sent < count:  # Hypothesis repeats what it finds interesting
                sent += 1
                self._fill(case, Random(chance), is_positive=mode is GenerationMode.POSITIVE)
                self._send(case, tally)

        send()

    def _fill(self, case: Any, chance: Random, *, is_positive: bool) -> None:
        case.headers.clear()  # the server is open, and the key of the admin goes with all
        path = case.operation.path
        if is_positive and case.path_parameters:
            fill_path(path, case.path_parameters, chance)
        if isinstance(case.body, dict):
            bound_costs(case.body)
            if is_positive:
                fill_body(path, case.body, self._examples, chance)

    def _send(self, case: Any, tally: Tally) -> None:
        method, path = case.operation.method.upper(), case.operation.path
        try:
            answer = self._answer_to(case)
        except requests.RequestException as error:
            tally.note(f"no answer: {type(error).__name__}", shown(case))
            return
        tally.statuses[answer.status] += 1
        if answer.status >= 400:
            tally.refusals[f"{answer.status} {answer.body[:160].decode('utf-8', 'replace')}"] += 1
        problems = [*self._contract.problems(method, path, answer)]
        problems += self._contract.misnamed(method, path, answer, case.body)
        for problem in problems:
            tally.note(problem, shown(case))

    def _answer_to(self, case: Any) -> Answer:
        is_endless = case.operation.path in ENDLESS
        request = case.as_transport_kwargs(base_url=self._world.server.url, headers=ADMIN)
        with self._session.request(**request, timeout=TIMEOUT_S, stream=True) as reply:
            kind = reply.headers.get("content-type", "")
            if is_endless and kind.startswith(EVENTS):
                return Answer(reply.status_code, kind, _first_event(reply), is_whole=False)
            return Answer(reply.status_code, kind, reply.content)


def shown(case: Any) -> str:
    """The case as a command."""
    return str(case.as_curl_command(headers=ADMIN))[:MOST_OF_CASE]


def _first_event(reply: requests.Response) -> bytes:
    body = b""
    for part in reply.iter_content(None):
        body += part
        if b"\n\n" in body:
            break
    return body


def shares(operations: list[Any], cases: int) -> list[int]:
    """How many cases each operation gets: most go to those that take a body."""
    counts = [
        MODEL_LOADS if operation.path in LOADING and operation.body
        else SAME if not (operation.body or operation.path_parameters)
        else 0
        for operation in operations
    ]  # fmt: skip
    weights = [(4 if op.body else 1) * (not n) for op, n in zip(operations, counts, strict=True)]
    left, total = max(cases - sum(counts), 0), max(sum(weights), 1)
    counts = [n or left * weight // total for n, weight in zip(counts, weights, strict=True)]
    if left:
        widest = weights.index(max(weights))
        counts[widest] += cases - sum(counts)
    return counts
