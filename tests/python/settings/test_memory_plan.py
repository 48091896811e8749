# SPDX-License-Identifier: AGPL-3.0-only
"""Plans of memory against the memory that is then used, and starts under real bounds."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import models
from sentiric_llama import cli
from sentiric_llama.engine.memory.plan import plan_memory
from sentiric_llama.host.machine import memory_budgets
from sentiric_llama.types import EngineConfig
from server_process import ServerProcess

pytest.importorskip("sentiric_llama._core")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MEASURE = Path(models.__file__).with_name("memory_use.py")
TOLERANCE = 0.05


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sentiric_llama", *words]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": ":".join(path for path in sys.path if path)}


def measure(name: str, **options: Any) -> tuple[int, int]:
    """Planned and resident bytes of a process of its own."""
    config = {
        "model_path": str(models.model(name)),
        "compute_threads": 1,
        "use_mmap": False,
    } | options
    done = subprocess.run(
        [sys.executable, str(MEASURE), json.dumps(config)],
        capture_output=True, text=True, timeout=300, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    planned, resident = json.loads(done.stdout)
    return planned, resident


@pytest.fixture(scope="module")
def overhead() -> int:
    """Python, libraries, vocabulary: the least model with the same vocabulary, less its plan."""
    planned, resident = measure("least-q8_0", contexts=1, context_size=256)
    return resident - planned


@pytest.mark.parametrize("name", ["tiny-q8_0", "deep-q8_0", "wide-f16"])
@pytest.mark.parametrize("cache", ["f16", "q8_0"])
def test_a_plan_is_what_is_used(name: str, cache: str, overhead: int) -> None:
    fused = "on" if cache == "q8_0" else "auto"  # quantised values need fused attention
    options = {"cache_type_k": cache, "cache_type_v": cache, "flash_attention": fused}
    planned, resident = measure(name, contexts=4, context_size=1024, **options)
    predicted = planned + overhead
    assert predicted == pytest.approx(resident, rel=TOLERANCE)
    assert planned > resident * 0.2  # else the overhead would decide


@pytest.mark.parametrize("name", ["tiny-q8_0", "llama3-q8_0"])
def test_the_process_is_part_of_a_plan(name: str) -> None:
    """A whole service, with a small and a large vocabulary: never more than planned, nor half."""
    path = str(models.model(name))
    words = ["--contexts", "1", "--context-size", "512"]
    done = subprocess.run(
        command("plan", path, *words, "--json"), capture_output=True, env=environment()
    )
    plan = json.loads(done.stdout)
    device = plan["devices"][-1]
    planned = device["weights"] + device["cache"] + device["compute"] + plan["process"]
    server = ServerProcess(path, *words)
    with contextlib.closing(server):
        server.wait_ready()
        pids = [pid for pid in (server.child.pid, server.engine_pid) if pid]
        texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    sizes = [int(size) for text in texts for size in re.findall(r"VmRSS:\s+(\d+)", text)]
    resident = 1024 * sum(sizes)
    assert planned / 2 < resident < planned * 1.1


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_nothing_is_cut_on_a_narrow_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from sentiric_llama.host.drawing import draw_table

    monkeypatch.setenv("COLUMNS", str(width))
    drawn = io.StringIO()
    header = ["device", "weights", "KV cache", "compute", "process", "total", "free"]
    draw_table(drawn, True, [header, ["host", *["19.6 MiB"] * 5, "22.24 GiB"]])
    words = re.sub(r"\x1b\[[\d;]*m", "", drawn.getvalue()).split()
    assert "…" not in drawn.getvalue() and set(" ".join(header).split()) <= set(words)
    assert words.count("19.6") == 5 and "22.24" in words


def test_a_plan_allocates_next_to_nothing() -> None:
    """A hundred times the memory of this machine is planned."""
    path = str(models.model("tiny-q8_0"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    config = EngineConfig(path, contexts=256, context_size=2**20)
    assert plan_memory(config).devices[-1].cache > 500 * 2**30
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024  # KiB


# Starts under bounds


def bounded(limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


WORDS = ["--contexts", "200", "--context-size", "8k", "--http-port", "0", "--grpc-port", "0"]


def test_a_start_that_cannot_fit_is_refused_with_numbers() -> None:
    path = str(models.model("tiny-q8_0"))
    done = subprocess.run(
        command("serve", path, *WORDS), preexec_fn=bounded(3 * 2**30),
        capture_output=True, text=True, timeout=120, env=environment(),
    )  # fmt: skip
    assert done.returncode == 8, done.stderr
    last = json.loads(done.stderr.splitlines()[-1])
    assert last["event"] == "SERVICE_FAILED"
    number = r"\d+\.\d+ (?:MiB|GiB)"
    assert re.search(
        rf"host needs at least {number} \(weights {number}, cache {number}, compute {number}, "
        r"engine "
        rf"{number}\), but address space limit \(ulimit -v\) leaves {number} of 3\.00 GiB; "
        rf"200 contexts of 8192 tokens take {number} of cache each",
        last["message"],
    )


@contextlib.contextmanager
def starting(*words: str, **options: Any) -> Iterator[Iterator[dict[str, Any]]]:
    child = subprocess.Popen(
        command("serve", *words), stderr=subprocess.PIPE, text=True, env=environment(), **options
    )
    assert child.stderr
    try:
        yield (json.loads(line) for line in child.stderr)
        child.send_signal(signal.SIGTERM)
        child.stderr.read()
        assert child.wait(60) == 0
    finally:
        child.kill()
        child.wait(60)
        child.stderr.close()


def test_a_start_is_made_to_fit_on_demand() -> None:
    path = str(models.model("tiny-q8_0"))
    with starting(path, *WORDS, "--fit", "auto", preexec_fn=bounded(3 * 2**30)) as lines:
        note = next(line for line in lines if line["event"] == "MODEL_MADE_TO_FIT")
        assert "200 contexts of 8192 tokens do not fit, opening " in note["message"]
        ready = next(line for line in lines if line["event"] == "ALL_SERVERS_READY")
        found = re.search(r"(\d+) contexts of 8192 tokens", ready["message"])
        assert found and 1 <= int(found[1]) < 200


@pytest.fixture
def memory_group() -> Iterator[tuple[Path, int]]:
    """A control group of 300 MiB, where this machine lets us make one."""
    limit = 300 * 2**20
    parents = [(Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes")]
    parents.append((Path("/sys/fs/cgroup"), "memory.max"))
    for parent, name in parents:
        group = parent / f"sentiric-{uuid.uuid4().hex[:8]}"
        try:
            group.mkdir()
            (group / name).write_text(str(limit))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        yield group, limit
        group.rmdir()
        return
    pytest.skip("cannot make a control group here")


def test_a_control_group_bounds_a_start(memory_group: tuple[Path, int]) -> None:
    group, _ = memory_group

    def join() -> None:
        (group / "cgroup.procs").write_text(str(os.getpid()))

    path = str(models.model("tiny-q8_0"))
    done = subprocess.run(
        command("serve", path, *WORDS), preexec_fn=join,
        capture_output=True, text=True, timeout=120, env=environment(),
    )  # fmt: skip
    assert done.returncode == 8, done.stderr
    assert re.search(r"but cgroup limit \S+ of \S+ leaves \d+\.\d MiB of 300\.0 MiB", done.stderr)


# The command


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert cli.main(["plan", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_command_answers_with_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(models.model("tiny-q8_0"))
    words = [path, "--contexts", "4", "--context-size", "4096"]
    plan = answer(capsys, *words)
    assert plan["fits"] is True and plan["contexts"] == 4 and plan["context_size"] == 4096
    # 4 layers x 128 numbers of keys and of values x 2 bytes
    assert plan["cache_per_context"] == 4096 * 4 * 128 * 2 * 2
    assert plan["devices"][-1]["cache"] == 4 * plan["cache_per_context"]
    assert [item["name"] for item in plan["budgets"]] == [item.name for item in memory_budgets()]
    assert cli.main(["plan", *words]) == 0
    out = capsys.readouterr().out
    assert "host\t19.6 MiB\t32.0 MiB" in out and "it fits" in out and "upper bounds" in out
    header, host = (line.split("\t") for line in out.splitlines()[:2])
    sizes = [float(cell.removesuffix(" MiB")) for cell in host[1:6]]
    assert header[4:6] == ["process", "total"] and sizes[4] == pytest.approx(sum(sizes[:4]), abs=1)
    assert plan["process"] == pytest.approx(sizes[3] * 2**20, rel=0.01)


def test_the_command_says_what_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(models.model("tiny-q8_0"))
    words = [path, "--contexts", "256", "--context-size", "1024k"]
    assert cli.main(["plan", *words]) == 8
    out, err = capsys.readouterr()
    assert "it fits" not in out and "does not fit: host needs 5" in err
    assert answer(capsys, *words, code=8)["fits"] is False


def test_the_command_refuses_like_a_start(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["plan", str(tmp_path / "absent.gguf")]) == 3
    assert "no file" in capsys.readouterr().err
    assert cli.main(["plan", "guide", "--contexts", "0"]) == 2
