# SPDX-License-Identifier: AGPL-3.0-only
"""The parts that decide what happens after a death, each by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from process_tools import asked, held, held_by, opened, text_of
from sentiric_llama.engine.process.confinement import confinement_of, offered_layers
from sentiric_llama.engine.process.counts import GAUGES, Counts, Requests
from sentiric_llama.engine.process.death import MAX_DEATHS, WINDOW_S, DeathCount, Stall, examine
from sentiric_llama.engine.process.engine import ProcessEngine
from sentiric_llama.engine.process.flight_page import Crash, FlightPage, Place, Work
from sentiric_llama.engine.process.live_request import LiveRequest, with_seed
from sentiric_llama.engine.process.quarantine import Blame, Quarantine
from sentiric_llama.engine.process.stall_watch import StallWatch
from sentiric_llama.errors import Cancelled, DeadlineExceeded, InternalError, Overloaded
from sentiric_llama.host.environment import engine_environment
from sentiric_llama.types import (
    Delta,
    EngineConfig,
    EngineStats,
    Message,
    Request,
    SamplingParams,
    Tool,
    ToolCall,
)

PID = 4321
STEP = Work(0, Place.DECODE, 0, 10)
ALIVE = Crash(0, 0, 0, -1)
PREPARING = Work(1, Place.TEMPLATE, 7, 20)


class Page:
    """A flight page as a process leaves it."""

    def __init__(self, crash: Crash = ALIVE, works: Any = (STEP, PREPARING)) -> None:
        self._crash = crash
        self._works = list(works)
        self.counted = EngineStats(steps=5)
        self.beats = 0

    def crash(self) -> Crash:
        return self._crash

    def works(self) -> list[Work]:
        return self._works

    def batch(self) -> list[int]:
        return [3, 4]

    def stepper(self) -> Work | None:
        return next((work for work in self._works if work.thread == 0), None)

    def stats(self) -> EngineStats:
        return self.counted


def examined(page: Page, status: int, stall: Stall | None = None) -> Any:
    return examine(page, PID, status, stall)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("crash", "status", "cause", "place", "suspects"),
    [
        (Crash(11, 1, 0, 1), -11, "SIGSEGV", "template", {7}),
        (Crash(11, 1, 0, 0), -11, "SIGSEGV", "decode", {3, 4}),
        (Crash(6, -6, PID, 1), -6, "SIGABRT", "template", {7}),
        (Crash(11, 1, 0, -1), -11, "SIGSEGV", "decode", {3, 4, 7}),  # a thread of a library
        (Crash(11, 0, 99, 1), -11, "SIGSEGV from outside", "", set()),
        (Crash(0, 0, 0, -1), -9, "SIGKILL from outside", "", set()),
        (Crash(0, 0, 0, -1), 3, "exit status 3", "", {3, 4, 7}),
    ],
)
def test_who_is_suspected(
    crash: Crash, status: int, cause: str, place: str, suspects: set[int]
) -> None:
    death = examined(Page(crash), status)
    assert (death.cause, death.place, death.suspects) == (cause, place, suspects)
    assert death.present == {3, 4, 7} and death.steps == 5


def test_who_is_suspected_of_standing_still() -> None:
    assert examined(Page(), -9, Stall(5.0, PREPARING)).suspects == {7}
    assert examined(Page(), -9, Stall(5.0, STEP)).suspects == {3, 4}
    whole = examined(Page(), -9, Stall(2.0, None, is_suspended=True))
    assert (whole.cause, whole.suspects) == ("suspended for 2 s", frozenset())
    assert examined(Page(), -9, Stall(12.0)).cause == "took no command for 12 s"


def test_a_long_step_is_not_a_stall() -> None:
    watch, page = StallWatch(10.0), Page(works=[STEP])
    for second in range(100):
        page.beats += 1  # the backend computes
        assert watch.sample(page, float(second)) is None  # type: ignore[arg-type]
    for second in range(100, 110):
        assert watch.sample(page, float(second)) is None  # type: ignore[arg-type]
    stall = watch.sample(page, 111.0)  # type: ignore[arg-type]
    assert stall is not None and stall.work == STEP


def test_steps_do_not_hide_another_thread_that_stands_still() -> None:
    watch, page = StallWatch(10.0), Page()
    for second in range(11):
        page.beats += 1
        assert watch.sample(page, float(second)) is None  # type: ignore[arg-type]
    stall = watch.sample(page, 11.0)  # type: ignore[arg-type]
    assert stall is not None and stall.work == PREPARING


def test_slow_machines_and_loading_get_time() -> None:
    page = Page(works=[STEP])
    page.counted = EngineStats(step_ms_mean=2000)
    watch = StallWatch(10.0)
    assert not any(watch.sample(page, float(second)) for second in range(40))  # type: ignore[arg-type]
    assert watch.sample(page, 41.0)  # type: ignore[arg-type]
    loading = Page(works=[Work(0, Place.LOAD, 1, 1)])
    assert not any(watch.sample(loading, float(second)) for second in range(1000))  # type: ignore[arg-type]


def test_a_crash_loop_is_told_from_accidents() -> None:
    deaths = DeathCount()
    for number in range(3 * MAX_DEATHS):
        deaths.note(number * WINDOW_S / 4)
        assert not deaths.is_loop and deaths.delay_s <= 1
    for number in range(MAX_DEATHS + 1):
        deaths.note(10_000 + number)
    assert deaths.is_loop
    deaths.explain()
    assert not deaths.is_loop and deaths.delay_s == 0


def live(request: Request) -> LiveRequest:
    return LiveRequest(1, request, lambda _item: None)


def test_a_request_goes_on_from_where_it_is() -> None:
    started = live(Request(text="a", deadline_ms=60_000))
    assert started.command().request.delivered == ()
    started.blame, started.present = Blame(among=1), 1
    started.take(Delta("x", (5, 6)))
    command = started.command()
    assert command.request.delivered == (5, 6) and command.request.resumed
    assert 0 < command.request.deadline_ms <= 60_000
    assert (started.blame, started.present) == (Blame(among=1), 0), "only a trial clears it"
    started.submitted_at -= 100
    with pytest.raises(DeadlineExceeded):
        started.command()


def test_what_cannot_go_on() -> None:
    mirostat = live(Request(text="a", sampling=SamplingParams(mirostat=2)))
    assert mirostat.can_resume, "it can begin again"
    mirostat.take(Delta("x", (5,)))
    assert not mirostat.can_resume
    greedy = live(Request(text="a", sampling=SamplingParams(mirostat=2, temperature=0)))
    greedy.take(Delta("x", (5,)))
    assert greedy.can_resume


def test_seeds_are_drawn_once() -> None:
    drawn = with_seed(Request(text="a"))
    assert drawn.sampling.seed is not None and with_seed(drawn) is drawn
    assert with_seed(Request(text="a")).sampling.seed != drawn.sampling.seed
    negative = Request(text="a", sampling=SamplingParams(seed=-1))
    assert with_seed(negative).sampling.seed == 2**64 - 2


def test_the_quarantine_knows_a_request_by_its_content() -> None:
    quarantine = Quarantine()
    bad = live(Request(text="bad", sampling=SamplingParams(seed=1), tenant="a"))
    quarantine.check(bad)
    quarantine.add(bad)
    again = replace(bad.request, sampling=SamplingParams(seed=2), tenant="b", cache_scope="x")
    with pytest.raises(InternalError, match="rejected for 10 minutes"):
        quarantine.check(live(again))
    quarantine.check(live(replace(again, text="good")))


def test_counters_never_go_back() -> None:
    class Client:
        def __init__(self, **counted: int) -> None:
            self.page = Page()
            self.page.counted = EngineStats(**counted)

    counts = Counts()
    counts.retire(Client(steps=5, generated_tokens=50, queued=3))  # type: ignore[arg-type]
    now = counts.stats(Client(steps=2, generated_tokens=20, queued=1))  # type: ignore[arg-type]
    assert (now.steps, now.generated_tokens, now.queued) == (7, 70, 1)
    assert counts.stats(None).generated_tokens == 50
    assert {"steps", "generated_tokens"}.isdisjoint(GAUGES)


def test_every_request_counts_once() -> None:
    counted = Requests(submitted=4)
    for error in (None, Cancelled("x"), InternalError("x"), Overloaded("x")):
        counted.end(error)
    assert counted == Requests(submitted=3, completed=3, cancelled=1, failed=1, rejected=1)


def test_what_a_process_may_reach(tmp_path: Path) -> None:
    config = EngineConfig(
        str(tmp_path / "m-00001-of-00002.gguf"),
        draft_model=str(tmp_path / "d.gguf"),
        lora_dir=str(tmp_path / "lora"),
        disk_cache_dir=str(tmp_path / "cache"),
    )
    found = confinement_of(config)
    names = sorted(Path(path).name for path in found.readable)
    assert names == ["d.gguf", "lora", "m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]
    assert [Path(path).name for path in found.writable] == ["kv-states"]
    assert not confinement_of(replace(config, disk_cache_bytes=0)).writable


def test_no_secret_reaches_the_process() -> None:
    given = {"LLM_LLAMA_SERVICE_API_KEY": "k", "HF_TOKEN": "t", "PATH": "/bin", "OMP_X": "1"}
    assert engine_environment(given) == {"PATH": "/bin", "OMP_X": "1", "GGML_NO_BACKTRACE": "1"}


def test_a_closed_page_says_what_it_said(small_q8_0: Path) -> None:
    """Without a mapping, which would stay until the garbage collector comes."""

    async def main() -> None:
        async with opened(small_q8_0) as engine:
            await text_of(engine, asked(1))
            page, before = FlightPage(), held()
            assert page.stats() == EngineStats() and page.works() == [] and page.beats == 0
            page.close()
            assert page.stats() == EngineStats() and page.crash() == ALIVE
            client = engine._supervisor.client
            assert client is not None
            seen = client.page
            client.kill()
            await client.died
            assert seen.fd == -1 and seen.stats().generated_tokens == 60
            assert seen.beats > 0 and seen.capacity().total == 4
            await text_of(engine, asked(1))
            assert seen.fd == -1 and held_by(os.getpid()).pages == before.pages - 1

    asyncio.run(main())


def test_a_running_process_is_confined(small_q8_0: Path) -> None:
    """What each layer refuses is tested in C++; here, that the engine process is behind them."""

    async def main() -> None:
        engine = await ProcessEngine.open(EngineConfig(str(small_q8_0), contexts=1))
        try:
            status = Path(f"/proc/{engine.pid}/status").read_text()
            held = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            offered = {name: holds for name, holds, _ in offered_layers()}
            assert held["NoNewPrivs"] == "1"
            assert held["Seccomp"] == "2" or not offered["seccomp"]
            assert int(Path(f"/proc/{engine.pid}/oom_score_adj").read_text()) >= 500
            assert resource.prlimit(engine.pid, resource.RLIMIT_CORE)[0] == 0
            environ = Path(f"/proc/{engine.pid}/environ").read_bytes()
            assert b"LLM_LLAMA_SERVICE" not in environ
        finally:
            await engine.close()

    asyncio.run(main())


def test_signals_of_the_group_do_not_end_it(small_q8_0: Path) -> None:
    """Ctrl-C reaches every process of a terminal; only the server decides when the engine ends."""

    async def main() -> None:
        engine = await ProcessEngine.open(EngineConfig(str(small_q8_0), contexts=1))
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(engine.pid, number)
            before = engine.pid
            assert len(await engine.tokenize_to_array("hello")) and engine.pid == before
        finally:
            await engine.close()

    asyncio.run(main())


def test_several_crashes_among_others_prove_nothing_soon() -> None:
    among = Blame().after(3).after(2)
    assert among and not among.is_enough
    assert among.after(5).is_enough and not among.after(5).is_proof, "it ends; its like does not"
    assert among.inherited == Blame(among=1)
    assert among.after(1).is_proof and Blame().after(1).after(1).is_proof
    assert not Blame().after(1).is_proof


def test_threads_that_share_a_processor_get_time() -> None:
    tokenizers = [Work(number, Place.TOKENIZER, number, 1) for number in range(1, 5)]
    watch = StallWatch(10.0)
    page = Page(works=tokenizers)
    assert not any(watch.sample(page, float(second)) for second in range(40))  # type: ignore[arg-type]
    assert watch.sample(page, 41.0)  # type: ignore[arg-type]


def test_every_text_of_a_conversation_counts_for_its_fingerprint() -> None:
    call = ToolCall("1", "look", "{}")
    talk = Message("assistant", "a", "b", (call,), "c", "d")
    request = Request(messages=(talk,), tools=(Tool("e", "f", "g"),), template_arguments="{}")
    others = [
        *(
            replace(talk, **{name: "x"})
            for name in ("content", "reasoning", "tool_call_id", "name")
        ),
        *(
            replace(talk, tool_calls=(replace(call, **{n: "x"}),))
            for n in ("id", "name", "arguments")
        ),
        replace(talk, tool_calls=()),
    ]
    requests = [request, *(replace(request, messages=(other,)) for other in others)]
    tool = request.tools[0]
    for name in ("name", "description", "parameters"):
        requests.append(replace(request, tools=(replace(tool, **{name: "x"}),)))
    requests += [replace(request, continues=True), replace(request, template_arguments="")]
    lives = [LiveRequest(1, with_seed(each), lambda _: None) for each in requests]
    assert len({live.fingerprint for live in lives}) == len(requests)
    assert lives[0].num_bytes > LiveRequest(1, replace(request, tools=()), print).num_bytes
