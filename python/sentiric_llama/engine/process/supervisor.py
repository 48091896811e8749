# SPDX-License-Identifier: AGPL-3.0-only
"""Keeps an engine process alive, and the requests that it works on.

When a process dies, another one is started. Requests that wait wait for it, and those that have
begun are continued. A request that may have caused the death is tried alone before the others go
on; one that was there twice is refused. docs/reliability.md has the rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sentiric_llama.engine import messages as m
from sentiric_llama.engine.process.client import EngineClient, ProcessDied, closed_error
from sentiric_llama.engine.process.confinement import confinement_of, identity_of
from sentiric_llama.engine.process.counts import Counts
from sentiric_llama.engine.process.death import Death, DeathCount
from sentiric_llama.engine.process.live_request import LiveCall, LiveRequest
from sentiric_llama.engine.process.quarantine import refusal
from sentiric_llama.engine.process.stall_watch import watched
from sentiric_llama.engine.process.suspects import Suspects
from sentiric_llama.engine.protocol import EngineState
from sentiric_llama.engine.stream import WINDOW
from sentiric_llama.errors import Cancelled, DeadlineExceeded, SentiricLlamaError, Unavailable
from sentiric_llama.log.events import event
from sentiric_llama.types import EngineConfig, Request

TRIED_TOKENS = 2
"""How many tokens a suspect generates alone, before it goes on with the others."""
TRIALS_S = 2.0
"""How long the others wait for all suspects together; those not tried by then go on untried."""
FIRST_S = 1.0
"""How long new requests wait for the next token of those that were there before a crash."""
PROBE = Request(text="a", max_tokens=TRIED_TOKENS, ignore_eos=True)
"""What a process that has followed several dead ones must be able to answer."""
GRACE_S = 1.0
"""How late an engine process may notice a deadline."""

logger = logging.getLogger(__name__)


class ModelReplaced(Unavailable):
    """Another file has taken the model's place, so that no text would continue."""


class Supervisor:
    """Belongs to one event loop."""

    def __init__(
        self,
        config: EngineConfig,
        client: EngineClient,
        numbers: Iterator[int],
        stall_s: float,
    ) -> None:
        self.live: dict[int, LiveRequest] = {}
        """Requests that have not ended, in the order in which they came."""
        self.client: EngineClient | None = client
        self.state = EngineState.RUNNING
        self.failure: SentiricLlamaError | None = None
        self.observers: list[Callable[[EngineState], None]] = []
        self.counts = Counts()
        self.suspects = Suspects()
        self._config = config
        self._identity = identity_of(config)
        self._numbers = numbers
        self._stall_s = stall_s
        self._deaths = DeathCount()
        self._calls: dict[int, LiveCall] = {}
        self.restarts = self.resubmitted = self._last_number = 0
        self._on_trial = 0
        """The suspect that has the process for itself, if one has."""
        self._has_served = False
        """Since the last death a request without blame has got a token, or the probe has ended."""
        self._probe = 0
        """The engine's own request, by which a new process shows that it can serve."""
        self._is_closed = False
        self._running = asyncio.Event()
        self._running.set()
        client.serve(self._on_step, numbers)
        self._task = asyncio.create_task(self._supervise(client))
        self._task.add_done_callback(self._on_task_end)

    # What the engine asks for.

    def check_open(self) -> None:
        """Raises Unavailable once there will be no engine again."""
        if self.failure is not None:
            raise Unavailable(self.failure.what, where=self.failure.where)
        if self._is_closed:
            raise closed_error()

    def admit(self, live: LiveRequest, command: bytes) -> None:
        """Takes a request, which is sent now or to the next process."""
        self.check_open()
        live.blame = self.suspects.quarantine.check(live)
        live.harmless_at = TRIED_TOKENS
        self.counts.requests.submitted += 1
        live.is_late = not self._running.is_set()
        self.live[live.number] = live
        self._last_number = max(self._last_number, live.number)
        if self.client is not None and self._running.is_set():
            self._send(self.client, live, command)

    def grant(self, number: int, tokens: int) -> None:
        live = self.live.get(number)
        if live is None:
            return
        live.granted += tokens
        if self._running.is_set():  # else a suspect is being tried, alone
            self._allow(live)

    def _allow(self, live: LiveRequest) -> None:
        """Tells the process about tokens that it may generate by now."""
        if not live.is_sent or self.client is None:
            return
        if (more := live.granted - live.allowed) > 0:
            live.allowed = live.granted
            self.client.send(m.Grant(live.number, more))

    def cancel(self, number: int) -> None:
        """Forgets a request, wherever it is."""
        live = self.live.pop(number, None)
        if live is None:
            return
        self.counts.requests.end(Cancelled("by the caller"))
        self.suspects.note_left(number, live)
        live.moved.set()
        if live.is_sent and self.client is not None and self.client.is_alive:
            self.client.send(m.Cancel(number))

    async def call(self, make: Any, *values: Any, **options: Any) -> m.Answer:
        """Asks a process, and the next one if it dies. Raises what it answers."""
        number = next(self._numbers)
        call = self._calls[number] = LiveCall(number, make, values, options)
        try:
            call.blame = self.suspects.quarantine.check(call)
            while True:
                self.check_open()
                if call.blame.is_proof:
                    raise refusal()
                client = self.client
                if client is None or not self._running.is_set():
                    await self._running.wait()
                    continue
                with contextlib.suppress(ProcessDied):
                    answer = await client.ask(make, *values, call=number, **options)
                    self.suspects.clear(call)
                    return answer
                await asyncio.sleep(0)  # the supervisor's turn
        except asyncio.CancelledError:
            self.suspects.note_left(number, call)
            raise
        finally:
            del self._calls[number]

    async def close(self) -> None:
        """Ends everything. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        for live in list(self.live.values()):
            self._end(live, Cancelled("the engine was closed", where="engine"))
        self._running.set()  # calls that wait see that it is closed
        client = self.client
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if client is not None:
            await client.close()

    # What a process does.

    def _on_step(self, step: m.Step) -> None:
        for number, delta in step.deltas:
            if (live := self.live.get(number)) is None:
                self._check_number(number)
                self._has_served |= number == self._probe and delta.final is not None
                continue
            live.put(live.take(delta))
            if live.blame and len(live.delivered) >= live.harmless_at:
                self.suspects.clear(live)
            self._has_served |= bool(delta.tokens) and not live.blame
            if delta.final is not None:
                del self.live[number]
                self.suspects.clear(live)
                self.counts.requests.end()
                live.moved.set()
        for number, failure in step.failures:
            if (live := self.live.get(number)) is not None:
                self._end(live, live.explain(failure))
            else:
                self._check_number(number)
                self._has_served |= number == self._probe  # a model that generates no text

    def _check_number(self, number: int) -> None:
        """What is not live must have been. Raises ValueError."""
        if not 0 < number <= self._last_number:
            raise ValueError("a stream that nobody has asked for")

    def _end(self, live: LiveRequest, error: SentiricLlamaError) -> None:
        del self.live[live.number]
        self.suspects.note_left(live.number, live)
        self.counts.requests.end(error, is_resumed=live.resumes > 0)
        live.put(error)
        live.moved.set()

    def _send(self, client: EngineClient, live: LiveRequest, command: bytes) -> None:
        client.send_encoded(command)
        live.is_sent = True

    def _on_task_end(self, task: asyncio.Task[None]) -> None:
        """A bug here must not leave requests waiting for ever."""
        if task.cancelled() or task.exception() is None:
            return
        logger.error("unexpected", exc_info=task.exception(), extra={"event": "ENGINE_ERROR"})
        if self.client is not None:
            self.client.kill()
        self.client = None
        self._give_up("is lost after an unexpected error of its supervisor")

    async def _supervise(self, client: EngineClient) -> None:
        while True:
            with self._watched(client):
                death = await asyncio.shield(client.died)
            next_client = await self._replace(client, death)
            if next_client is None:
                return
            client = next_client

    def _watched(
        self, client: EngineClient, *, is_awaited: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        """`is_awaited`: somebody waits for the process, even if no request does."""
        return watched(
            client,
            self._stall_s,
            lambda: is_awaited or bool(self.live or self._calls),
            self._expire,
        )

    # What happens after a death.

    async def _replace(self, client: EngineClient, death: Death) -> EngineClient | None:
        """Starts the next process and hands the requests over. None if there will be none."""
        self._after_death(client, death)
        while True:
            if self._deaths.is_loop:
                times = len(self._deaths.times)
                why = f"crashed {times} times within a minute and will not be restarted"
                self._give_up(f"{why}; last: {death.cause}")
                return None
            await self._wait(self._deaths.delay_s)
            started = time.monotonic()
            try:
                opened = await self._reopen()
            except ModelReplaced as error:
                self._give_up(f"cannot be restarted: {error}")
                return None
            except SentiricLlamaError as error:
                event(logger, "ENGINE_RESTART_FAILED", str(error), logging.ERROR)
                death = Death(str(error))
                self._deaths.note(time.monotonic())
                continue
            self.client = opened
            self.restarts += 1
            with self._watched(opened):
                is_alive = await self._resubmit(opened)
            if not is_alive:
                death = await opened.died
                self._after_death(opened, death)
                continue
            restart_s = round(time.monotonic() - started, 3)
            told: dict[str, Any] = {
                "pid": opened.pid,
                "restart_s": restart_s,
                "resubmitted": len(self.live),
            }
            event(logger, "ENGINE_RESTARTED", "serving again", **told)
            return opened

    def _after_death(self, client: EngineClient, death: Death) -> None:
        self.client = None
        self._running.clear()
        self.counts.retire(client)
        self._report(client, death)
        if self._on_trial in death.suspects:  # others are there too, but have nothing to do
            death = replace(death, suspects=frozenset({self._on_trial}))
        self._on_trial = 0
        is_explained = self._judge(death) or bool(death.suspects)
        if is_explained and self._has_served:  # else the engine itself may be to blame
            self._deaths.explain()
        self._has_served = False
        self._deaths.note(time.monotonic())
        self._change(EngineState.RESTARTING)

    async def _reopen(self) -> EngineClient:
        """A new process with the same model. Raises what it answers, or that it died."""
        if identity_of(self._config) != self._identity:
            raise ModelReplaced("its file has changed since it was loaded", where="model")
        try:
            allowed = confinement_of(self._config)
            client = await EngineClient.start(allowed, self._on_step, self._numbers)
        except ProcessDied:
            raise Unavailable("died as it started", where="engine") from None
        try:
            with self._watched(client, is_awaited=True):
                await client.ask(m.Open, self._config)
        except ProcessDied:
            death = await client.died
            raise Unavailable(f"died while loading the model: {death.cause}",
                              where="engine") from None  # fmt: skip
        except BaseException:
            await client.discard()
            raise
        return client

    async def _resubmit(self, client: EngineClient) -> bool:
        """Submits every request, first each suspect by itself. False if the process died."""
        if len(self._deaths.times) > 1 and not await self._prove(client):
            return False
        until = time.monotonic() + TRIALS_S
        for live in [live for live in self.live.values() if live.blame]:
            if not await self._try_alone(client, live, until):
                return False
        self.suspects.settle(self.live.values())
        # What has begun first: its caller notices the pause. All get a token before others come, or
        # requests that crash at once, one after another, would leave nothing for anybody.
        begun = [live for live in self.live.values() if live.delivered]
        waiting = [live for live in self.live.values() if not live.delivered and not live.is_late]
        for requests in (begun, waiting):
            self._go_on(client, [live for live in requests if live.number in self.live])
            await self._first_token(client, requests)
        for live in self.live.values():
            live.is_late = False
        self._go_on(client, list(self.live.values()))
        self._running.set()
        self._change(EngineState.RUNNING)
        return client.is_alive

    async def _prove(self, client: EngineClient) -> bool:
        """Lets the process generate something harmless. If it can, requests are to blame.

        Otherwise callers who have it for themselves could end the service with a few requests.
        False if the process died.
        """
        self._probe = self._last_number = next(self._numbers)
        client.send_encoded(m.encode_command(m.Submit(self._probe, PROBE, WINDOW)))
        until = time.monotonic() + TRIALS_S
        while client.is_alive and not self._has_served and time.monotonic() < until:
            await asyncio.sleep(0.002)
        probe, self._probe = self._probe, 0
        if client.is_alive:
            client.send(m.Cancel(probe))
        return client.is_alive

    def _go_on(self, client: EngineClient, requests: list[LiveRequest]) -> None:
        """Lets the process work on them, whether it has them or not."""
        for live in requests:
            if live.is_sent:
                self._allow(live)
            else:
                self._submit(client, live)

    async def _first_token(self, client: EngineClient, requests: list[LiveRequest]) -> None:
        """Waits until one of them has got a token, all have ended, or the process has."""
        before = {live.number: len(live.delivered) for live in requests if live.is_waited_for}
        until = time.monotonic() + FIRST_S
        while client.is_alive and time.monotonic() < until:
            left = [live for live in requests if live.number in before.keys() & self.live.keys()]
            if not left or any(len(live.delivered) > before[live.number] for live in left):
                return
            await asyncio.sleep(0.002)

    async def _moved(
        self, client: EngineClient, live: LiveRequest, wanted: int, until: float
    ) -> None:
        """Waits until it has so many tokens or ended, the process died, or it is too late."""
        while live.number in self.live and len(live.delivered) < wanted and client.is_alive:
            if (left := until - time.monotonic()) <= 0:
                return
            live.moved.clear()
            moving = asyncio.ensure_future(live.moved.wait())
            await asyncio.wait(
                (moving, client.died), timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            moving.cancel()

    async def _try_alone(self, client: EngineClient, live: LiveRequest, until: float) -> bool:
        """Lets a suspect generate some tokens while nothing else runs. False if the process died.

        One would come from its prompt alone; the second needs a step like those that follow.
        """
        wanted = len(live.delivered) + TRIED_TOKENS
        if live.number not in self.live or time.monotonic() >= until:
            return client.is_alive
        if not self._submit(client, live, wanted):
            return True
        self._on_trial = live.number
        await self._moved(client, live, wanted, until)
        if not client.is_alive:
            return False
        self._on_trial = 0
        if len(live.delivered) >= wanted:  # else it has left, ended, or taken too long
            self.suspects.clear(live)
        return True

    def _submit(self, client: EngineClient, live: LiveRequest, window: int | None = None) -> bool:
        """Sends a request to a new process. False if it ended instead."""
        try:
            command = live.command(window)
        except SentiricLlamaError as error:
            self._end(live, error)
            return False
        live.resumes += 1
        self.resubmitted += live.was_sent
        live.allowed = live.granted if window is None else window
        self._send(client, live, m.encode_command(command))
        return True

    def _judge(self, death: Death) -> bool:
        """Ends what cannot go on; the others are sent again. True if a request is to blame."""
        asked = {n: live for n, live in self.live.items() if live.is_sent} | self._calls
        culprits = self.suspects.judge(death, asked)
        for live in list(self.live.values()):
            live.was_sent |= live.is_sent
            live.is_sent = False
            live.harmless_at = len(live.delivered) + TRIED_TOKENS
            if live in culprits:
                self._end(live, refusal())
            elif not live.can_resume:
                what = "the engine process ended, and mirostat cannot continue a text"
                self._end(live, Unavailable(what, where="engine"))
        if not culprits:
            return False
        self._refuse_copies()
        if death.suspects:
            self.suspects.absolve([*self.live.values(), *self._calls.values()])
        return True

    def _refuse_copies(self) -> None:
        """Requests and calls that ask the same as one that has just been refused."""
        for live in list(self.live.values()):
            if self.suspects.quarantine.blame_of(live).is_proof:
                self._end(live, refusal())
        for call in self._calls.values():
            known = self.suspects.quarantine.blame_of(call)
            call.blame = known if known.is_proof else call.blame

    async def _wait(self, seconds: float) -> None:
        """Sleeps, while deadlines pass."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))
            self._expire()

    def _expire(self) -> None:
        """Ends requests whose deadline has passed: at once, or when the process has not noticed."""
        for live in list(self.live.values()):
            if live.overdue_s > (GRACE_S if live.is_sent else 0):
                was_sent = live.is_sent
                self._end(live, DeadlineExceeded("the deadline passed", where="deadline"))
                if was_sent and self.client is not None and self.client.is_alive:
                    self.client.send(m.Cancel(live.number))

    def _report(self, client: EngineClient, death: Death) -> None:
        event(
            logger,
            "ENGINE_DIED",
            death.cause,
            logging.ERROR,
            pid=client.pid,
            place=death.place,
            steps=death.steps,
            suspects=len(death.suspects),
            live=len(self.live),
            last_lines=list(death.last_lines),
        )

    def _give_up(self, why: str) -> None:
        self.failure = Unavailable(f"the engine process {why}", where="engine")
        event(logger, "ENGINE_LOST", str(self.failure), logging.CRITICAL)
        for live in list(self.live.values()):
            self._end(live, Unavailable(self.failure.what, where="engine"))
        self._running.set()
        self._change(EngineState.LOST)

    def _change(self, state: EngineState) -> None:
        if state is not self.state:
            self.state = state
            for changed in self.observers:
                changed(state)
