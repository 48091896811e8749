# SPDX-License-Identifier: AGPL-3.0-only
"""The engine in processes of its own: fork, spawn, Ctrl-C, exit, silence, imports."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest

import engine_tools
from engine_tools import GREEDY, PATIENCE_S, environment, run_python, wait_until_idle
from sentiric_llama.engine.blocking import Engine

OPEN = """
import sys
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.types import SamplingParams
GREEDY = SamplingParams(temperature=0.0)
engine = Engine(sys.argv[1], contexts=2, context_size=64, compute_threads=1)
def endless():
    return engine.stream("a", GREEDY, max_tokens=10**6, ignore_eos=True)
"""

FORK = (
    OPEN
    + """
import gc, os, signal
from sentiric_llama.errors import Unavailable
before = engine.generate("Hello", GREEDY, max_tokens=8).tokens
stream, other = endless(), endless()
next(stream)
child = os.fork()
if child == 0:
    signal.alarm(60)  # whatever hangs
    uses = [
        lambda: engine.generate("a"), lambda: engine.stats(), lambda: engine.capacity,
        lambda: engine.info, lambda: engine.tokenize("a"), lambda: engine.logits([5]),
        lambda: next(stream), lambda: list(other),
    ]
    for use in uses:
        try:
            use()
            os._exit(1)
        except Unavailable as error:
            assert "fork" in str(error)
    stream.close()
    engine.close()
    del stream, other, engine
    gc.collect()
    with Engine(sys.argv[1], contexts=1, context_size=64, compute_threads=1) as own:
        assert own.generate("Hello", GREEDY, max_tokens=8).tokens == before
    sys.exit(7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7, status
next(stream)
stream.close()
other.close()
assert engine.generate("Hello", GREEDY, max_tokens=8).tokens == before
engine.close()
print("both fine")
"""
)


def test_a_forked_child_is_told_and_the_parent_goes_on(small_q8_0: Path) -> None:
    assert run_python(FORK, small_q8_0).stdout == "both fine\n"


FORK_AND_LEAVE = (
    OPEN
    + """
import os
streams = [endless() for _ in range(4)]
next(streams[0])
for i in range(10):
    child = os.fork()
    if child == 0:
        sys.exit(0)  # with streams and engine alive: their finalizers run here
    assert os.waitpid(child, 0)[1] == 0
next(streams[0])
print("fine")
"""
)


def test_a_forked_child_exits_cleanly(small_q8_0: Path) -> None:
    assert run_python(FORK_AND_LEAVE, small_q8_0).stdout == "fine\n"


def test_spawned_workers_open_their_own(small_q8_0: Path, tiny: Engine) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        jobs = [(str(small_q8_0), "Hello")] * 4
        texts = pool.starmap_async(engine_tools.first_words, jobs).get(PATIENCE_S)
    assert set(texts) == {engine_tools.first_words(str(small_q8_0), "Hello")}
    assert tiny.generate("a", GREEDY, max_tokens=1).tokens


INTERRUPTED = {
    "stream": "for _ in endless():\n        print('running', flush=True)",
    "generate": (
        "print('running', flush=True)\n"
        "    engine.generate('a', GREEDY, max_tokens=10**6, ignore_eos=True)"
    ),
    "with": (
        "with engine, endless() as stream:\n"
        "        for _ in stream:\n            print('running', flush=True)"
    ),
    "async": (
        "import asyncio\n"
        "    from sentiric_llama.engine.aio import AsyncEngine\n"
        "    async def main():\n"
        "        async with await AsyncEngine.open(sys.argv[1], contexts=1, context_size=64,"
        " compute_threads=1) as e:\n"
        "            async for _ in e.stream('a', GREEDY, max_tokens=10**6, ignore_eos=True):\n"
        "                print('running', flush=True)\n"
        "    asyncio.run(main())"
    ),
}


@pytest.mark.parametrize("way", INTERRUPTED)
def test_ctrl_c_interrupts(small_q8_0: Path, way: str) -> None:
    caught = "except KeyboardInterrupt:\n    print('interrupted')\n"
    code = f"{OPEN}\ntry:\n    {INTERRUPTED[way]}\n{caught}"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(small_q8_0)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert output.endswith("interrupted\n")
    assert errors == ""


LEAVING = {
    "end": "",
    "exit": "sys.exit(0)",
    "exception": "raise ValueError('on purpose')",
    "thread": (
        "import contextlib, threading\n"
        "def read():\n"
        "    with contextlib.suppress(Exception):\n"
        "        list(endless())\n"
        "threading.Thread(target=read, daemon=True).start()"
    ),
    "cycle": "class A: pass\na = A(); a.a = a; a.engine = engine; a.streams = streams",
}


@pytest.mark.parametrize("way", LEAVING)
def test_an_interpreter_ends_with_running_streams(small_q8_0: Path, way: str) -> None:
    """Several times each: such a hang or crash would be a race."""
    start = "streams = [endless()]\nnext(streams[0])\nstreams += [endless() for _ in range(4)]"
    code = f"{OPEN}\n{start}\n{LEAVING[way]}\n"
    command = [sys.executable, "-c", code, str(small_q8_0)]
    for _ in range(2):
        processes = [
            subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
            for _ in range(2)
        ]
        for process in processes:
            errors = process.communicate(timeout=PATIENCE_S)[1]
            assert process.returncode == (1 if way == "exception" else 0), errors
            assert errors == "" or errors.rstrip().endswith("on purpose")


SILENT = (
    OPEN
    + """
engine.generate("Hello", GREEDY, max_tokens=8)
engine.chat([{"role": "user", "content": "Hello"}], GREEDY, max_tokens=2)
engine.logits([5]); engine.embed(["a"])
for wrong in ('root ::= root', 'root ::= ('):
    try:
        engine.generate("a", grammar=wrong)
    except ValueError:
        pass
try:
    engine.generate("a", json_schema={"type": "string", "pattern": "abc"})
except ValueError:
    pass
try:
    Engine("/nowhere/at/all.gguf")
except LookupError:
    pass
engine.close()
"""
)


def test_nothing_is_written_to_the_terminal(small_q8_0: Path) -> None:
    result = run_python(SILENT, small_q8_0)
    assert (result.stdout, result.stderr) == ("", "")


LOGGED = """
import logging, sys
lines = []
class Keep(logging.Handler):
    def emit(self, record):
        lines.append((record.name, record.levelno, record.getMessage()))
logging.getLogger("sentiric_llama").addHandler(Keep())
logging.getLogger("sentiric_llama").setLevel(logging.DEBUG)
from sentiric_llama.engine.blocking import Engine
Engine(sys.argv[1], contexts=1, context_size=64, compute_threads=1).close()
assert {name for name, _, _ in lines} == {"sentiric_llama.ggml"}, lines
assert {level for _, level, _ in lines} <= {10, 20, 30, 40}
text = "\\n".join(line for _, _, line in lines)
assert "llama" in text and not text.endswith("\\n")
quiet = len(lines)
try:
    Engine(sys.argv[2])
except Exception as error:
    assert type(error).__name__ == "ModelInvalid", error
assert any(level >= 30 for _, level, _ in lines[quiet:])
print(len(lines))
"""


def test_the_librarys_log_reaches_logging(small_q8_0: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.gguf"
    writer = gguf.GGUFWriter(strange, "no-such-architecture")
    writer.add_tensor("weights", np.zeros(32, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    result = run_python(LOGGED, small_q8_0, strange)
    assert int(result.stdout) > 10
    assert result.stderr == ""


def test_importing_touches_nothing() -> None:
    code = (
        "import sys, os, threading\n"
        "import sentiric_llama\n"
        "assert not {'numpy', 'sentiric_llama._core', 'asyncio'} & set(sys.modules)\n"
        "assert threading.active_count() == 1\n"
        "assert len(os.listdir('/proc/self/task')) == 1\n"
        "from sentiric_llama import SamplingParams, Request, Message, EngineConfig\n"
        "assert not {'numpy', 'sentiric_llama._core'} & set(sys.modules)\n"
        "print('light')\n"
    )
    assert run_python(code).stdout == "light\n"


def test_every_name_of_the_package_can_be_had() -> None:
    code = (
        "import sentiric_llama as s\n"
        "for name in s.__all__:\n"
        "    if name != '__version__':\n"
        "        assert getattr(s, name) is not None\n"
        "print(s.build_info()['llama_commit'] != '')\n"
    )
    assert run_python(code).stdout == "True\n"


def test_this_process_is_as_it_was(tiny: Engine) -> None:
    """The signal handlers and the working directory are Python's."""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert os.getcwd()
    wait_until_idle(tiny)
