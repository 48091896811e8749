# SPDX-License-Identifier: AGPL-3.0-only
"""Runs suites against a server, with the model that it has or with one profile after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sentiric_llama.client.scenarios.result import Result
from sentiric_llama.client.scenarios.suite import Suite, Test
from sentiric_llama.client.scenarios.talk import CHAT, Said, Talk
from sentiric_llama.client.server import Server
from sentiric_llama.errors import DeadlineExceeded, SentiricLlamaError, Unavailable

PRIME = {"messages": [{"role": "user", "content": "Merhaba"}], "max_tokens": 1}
SWITCH = "switch"
"""Name of the test that a change of the model is."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Runner:
    """`switch` changes the server's profile and returns when calls go to the new model."""

    server: Server
    suites: Sequence[Suite]
    switch: Callable[[str], None]
    ready_s: float = 300.0
    """Longest wait for a model that was loaded."""

    def run(self, profiles: Sequence[str] = ()) -> Iterator[Result]:
        """Results as they come. Without profiles, of the model that is there."""
        if not profiles:
            name = self._wait_until_ready()
            yield from self._suites(name)
            return
        for profile in profiles:
            prepared = self._prepare(profile)
            yield prepared
            if not prepared.fault:
                yield from self._suites(profile)

    def _prepare(self, profile: str) -> Result:
        """Switch, wait, and one short answer, so that the first test does not pay for it."""
        started = time.monotonic()
        fault = ""
        try:
            self.switch(profile)
            self._wait_until_ready()
            self.server.post(CHAT, PRIME)
        except SentiricLlamaError as error:
            fault = f"{error.code}: {error.what}"
        return Result(profile, SWITCH, fault, 1e3 * (time.monotonic() - started))

    def _wait_until_ready(self) -> str:
        """The model's name. Raises DeadlineExceeded."""
        started = time.monotonic()
        while True:
            answer = self.server.get("/v1/models")
            if answer.status == 200:
                return str(answer.body["data"][0]["id"])
            if answer.status != 503:
                told = f"/v1/models answered with status {answer.status}"
                raise Unavailable(told, where="server")
            if time.monotonic() - started > self.ready_s:
                raise DeadlineExceeded(f"not ready after {self.ready_s:g} s", where="server")
            time.sleep(_POLL_S)

    def _suites(self, model: str) -> Iterator[Result]:
        for suite in self.suites:
            for test in suite.tests:
                for number in range(test.rounds):
                    name = f"{suite.id} {suite.name}: {test.name}"
                    name += f" {number + 1}/{test.rounds}" if test.rounds > 1 else ""
                    yield self._round(model, name, test)

    def _round(self, model: str, name: str, test: Test) -> Result:
        """All callers at the same time. The latency is that of the slowest answer."""
        with ThreadPoolExecutor(test.callers, "scenario") as threads:
            said = list(threads.map(lambda _: _said(self.server, test), range(test.callers)))
        faults = [each.fault for each in said if each.fault]
        notes = list(dict.fromkeys(note for each in said for note in each.notes))
        if test.callers > 1:
            notes.append(f"{test.callers - len(faults)}/{test.callers}")
        longest = max(each.longest_ms for each in said)
        return Result(model, name, faults[0] if faults else "", longest, "; ".join(notes))


def _said(server: Server, test: Test) -> Said:
    started = time.monotonic()
    try:
        return Talk(server, test).run()
    except SentiricLlamaError as error:
        spent_ms = 1e3 * (time.monotonic() - started)
        return Said(f"{error.code}: {error.what}", (), spent_ms)
