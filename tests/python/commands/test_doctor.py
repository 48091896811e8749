# SPDX-License-Identifier: AGPL-3.0-only
"""`doctor` on broken set-ups: what it says, what it advises, how it exits."""

from __future__ import annotations

import ast
import contextlib
import json
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from choices import rounds_alike
from sentiric_llama import checkup, cli
from sentiric_llama.checkup import build, model
from sentiric_llama.checkup.finding import (
    Finding,
    Level,
    examine,
    exit_code,
    ok,
    problem,
    warning,
)
from sentiric_llama.engine.memory.plan import DevicePlan, MemoryPlan
from sentiric_llama.errors import ErrorCode
from sentiric_llama.host.machine import Budget
from sentiric_llama.locale import messages, turkish
from sentiric_llama.settings.config import PREFIX
from sentiric_llama.settings.load import Resolved, resolve_settings
from server_process import ServerProcess


@pytest.fixture(autouse=True)
def english() -> None:
    messages.set_language("en")


FREE_PORTS = ("--http-port", "0", "--grpc-port", "0", "--metrics-port", "0")


def report(
    capsys: pytest.CaptureFixture[str], *words: str, code: int = 0
) -> dict[str, list[dict[str, str]]]:
    """The findings of each part."""
    assert cli.main(["doctor", *FREE_PORTS, *words, "--json"]) == code
    parts: dict[str, list[dict[str, str]]] = {}
    for item in json.loads(capsys.readouterr().out):
        parts.setdefault(item["check"], []).append(item)
    return parts


@pytest.mark.native
def test_a_sound_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sentiric_llama._core")
    parts = report(capsys)
    for name in ("settings", "python", "engine", "model", "memory", "limits", "hub"):
        assert name in parts and parts[name][0]["level"] != "problem", name
    assert cli.main(["doctor", *FREE_PORTS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok       python       Python 3") for line in lines)


def test_bad_settings_are_the_first_problem(capsys: pytest.CaptureFixture[str]) -> None:
    parts = report(capsys, "--contexts", "0", code=2)
    assert parts["settings"][0]["level"] == "problem"
    assert "--contexts: got '0'" in parts["settings"][0]["text"]
    assert "python" in parts  # the rest is looked at all the same


def test_names_and_addresses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PREFIX + "CONTEXT", "3")
    texts = [item["text"] for item in report(capsys, "--host", "0.0.0.0")["settings"]]
    assert any("did you mean" in text for text in texts)
    assert any("public address" in text for text in texts)
    words = ["--host", "0.0.0.0", "--env", "production"]
    assert report(capsys, *words, code=2)["settings"][0]["level"] == "problem"


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        (item,) = report(capsys, "--http-port", port, code=9)["ports"]
    assert item["level"] == "problem" and f"127.0.0.1:{port}" in item["text"]
    assert "--http-port 0 picks a free one" in item["fix"]


@pytest.mark.native
def test_the_ports_of_our_own_server_are_no_fault(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("sentiric_llama._core")
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("", 0)) as grpc:
        ports = {"http_port": http.getsockname()[1], "grpc_port": grpc.getsockname()[1]}
    flags = [f"--{name.replace('_', '-')}={port}" for name, port in ports.items()]
    server = ServerProcess("--http-port", flags[0].partition("=")[2], "--grpc-port",
                           flags[1].partition("=")[2], tls="auto", tls_dir=tmp_path)  # fmt: skip
    with contextlib.closing(server):
        server.wait_ready()
        words = [*flags, "--tls", "auto", "--tls-dir", str(tmp_path), "--metrics-port", "0"]
        items = report(capsys, *words)["ports"]
        assert [item["level"] for item in items] == ["ok", "ok"]
        assert all("in use by this running service" in item["text"] for item in items)
        (item,) = report(capsys, flags[0].replace("http", "grpc"), code=9)["ports"]
        assert item["level"] == "problem", "HTTP is not gRPC"


def test_certificates(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (item,) = report(capsys)["certificates"]
    assert item["level"] == "ok" and "not encrypted" in item["text"]
    (item,) = report(capsys, "--host", "0.0.0.0")["certificates"]
    assert item["level"] == "warning" and "not encrypted" in item["text"]
    half = ["--cert-path", str(tmp_path / "x.crt")]
    (item,) = report(capsys, *half, code=2)["certificates"]
    assert item["level"] == "problem" and "half configured" in item["text"]
    assert cli.main(["certs", "dev", "--out", str(tmp_path), "--json"]) == 0
    paths = json.loads(capsys.readouterr().out)
    words = ["--cert-path", paths["service-chain.crt"], "--key-path", paths["service.key"]]
    (item,) = report(capsys, *words, "--grpc-tls-ca-path", paths["ca.crt"])["certificates"]
    assert item["level"] == "ok"
    folder = tmp_path / "made"
    report(capsys, "--tls", "auto", "--tls-dir", str(folder))
    assert not folder.exists()  # looking changes nothing


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 3, "no file"),
        (b"version https://git-lfs.github.com/spec/v1" + bytes(40), 4, "Git LFS pointer"),
        (b"GGUF", 4, "cut or unknown"),
    ],
)
def test_a_model_that_is_none(
    content: bytes | None,
    code: int,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "m.gguf"
    if content is not None:
        path.write_bytes(content)
    (item,) = report(capsys, str(path), code=code)["model"]
    assert item["level"] == "problem" and words in item["text"]


def test_a_repository_is_not_fetched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("asked the network"))
    (item,) = report(capsys, "org/repo:Q8_0")["model"]
    assert item["level"] == "ok" and "Hugging Face repository" in item["text"]


@pytest.mark.native
def test_too_little_memory(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sentiric_llama._core")
    words = ["guide", "--contexts", "256", "--context-size", "1024k"]
    item = report(capsys, *words, code=8)["memory"][0]
    assert "host needs" in item["text"] and "--fit auto" in item["fix"]
    assert report(capsys, *words, "--fit", "auto")["memory"][0]["level"] == "warning"


@pytest.mark.native
@pytest.mark.parametrize("asked", ["auto", "draft"])
@pytest.mark.native
def test_a_draft_model_that_would_stay_out(
    asked: str,
    guide_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`doctor` and `plan` say of it what a start would do."""
    pytest.importorskip("sentiric_llama._core")
    words = ["--draft-model", str(guide_path), "--speculation", asked]
    drafts = asked == "draft" or rounds_alike()
    found = [item for item in report(capsys, "guide", *words)["model"] if "draft" in item["text"]]
    assert [item["level"] for item in found] == ([] if drafts else ["warning"])
    assert all("--speculation draft" in item["fix"] for item in found)
    assert cli.main(["plan", "guide", *words]) == 0
    assert ("would not be loaded" in capsys.readouterr().err) != drafts
    assert cli.main(["plan", "guide", *words, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["speculation"] == ("draft" if drafts else "off")


def test_limits_of_the_system(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 256))
    monkeypatch.setattr("sentiric_llama.checkup.model.memory_budgets", list)
    texts = [item["text"] for item in report(capsys, "--compute-threads", "1000")["limits"]]
    assert texts[0].startswith("256 open files are allowed, all connections may need 1152")
    assert texts[1].startswith("1000 compute threads share")


def test_what_holds_the_engine_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = pytest.importorskip("sentiric_llama._host")
    names = [name for name, _, _ in host.sandbox_report()]
    assert names == ["limits", "no new privileges", "landlock", "seccomp"]
    held = [("limits", True, ""), ("no new privileges", True, ""), ("landlock", True, "ABI 5")]
    missing = ("seccomp", False, "not offered by this kernel")
    monkeypatch.setattr(host, "sandbox_report", lambda: [*held, missing])
    (unused,) = report(capsys, "--isolation", "inprocess")["sandbox"]
    assert unused["level"] == "ok" and unused["text"].startswith("not in use; --isolation process")
    lacks, has = report(capsys)["sandbox"]
    assert lacks["level"] == "warning" and lacks["fix"].startswith("allow seccomp filters")
    assert lacks["text"].endswith("runs without seccomp: not offered by this kernel")
    assert has["level"] == "ok"
    assert has["text"].endswith("process: limits, no new privileges, landlock (ABI 5)")
    cli.main(["doctor", *FREE_PORTS, "--lang", "tr"])
    out = capsys.readouterr().out
    assert "seccomp olmadan çalışıyor: bu çekirdekte yok" in out
    assert "sınırlar, yeni yetki yasağı, landlock (ABI 5)" in out


def test_variables_of_the_hub(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "example.org")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    parts = report(capsys)
    assert [item["level"] for item in parts["hub"]] == ["warning", "warning", "ok"]
    assert "hf_secret" not in json.dumps(parts)


def test_room_on_the_disk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    (item,) = report(capsys)["disk"]
    assert item["level"] == "warning" and "only 953.7 MiB" in item["text"]


# The engine


def engine(monkeypatch: pytest.MonkeyPatch, code: int, stderr: str = "") -> Finding:
    """What is found when the probe of the engine ends so."""
    done: Any = subprocess.CompletedProcess([], code, "", stderr)
    monkeypatch.setattr(build, "probe", lambda _: done)
    monkeypatch.setattr(Path, "exists", lambda _: True)
    (item,) = build.check_engine(settings())
    return item


def settings() -> Resolved:
    return resolve_settings()


@pytest.mark.parametrize(
    ("code", "stderr", "fix"),
    [
        (-4, "", "SENTIRIC_NATIVE=OFF"),
        (1, "ImportError: libgomp.so.1: cannot open shared object file", "libgomp1"),
        (1, "ImportError: version `GLIBCXX_3.4.32' not found", "C++ library is older"),
        (1, "ImportError: version `GLIBC_2.38' not found", "C library is older"),
        (1, "ImportError: libcuda.so.1: cannot open", "NVIDIA driver"),
        (1, "ImportError: x.so: undefined symbol: _ZN", "make clean"),
        (-11, "", "make clean"),
    ],
)
def test_an_engine_that_does_not_load(
    code: int, stderr: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = engine(monkeypatch, code, stderr)
    assert item.level is Level.PROBLEM and fix in item.fix
    assert stderr in item.values.get("reason", stderr)


def test_an_engine_for_another_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "PACKAGE", tmp_path)
    (item,) = build.check_engine(settings())
    assert item.level is Level.PROBLEM and "is not built" in item.text
    (tmp_path / "_core.cpython-39-x86_64-linux-gnu.so").touch()
    (item,) = build.check_engine(settings())
    assert "another Python" in item.text and "cpython-39" in item.values["found"]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    (item,) = build.check_engine(settings())
    assert "C++ compiler" in item.fix


def test_a_build_that_wastes_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"system_info": "CPU : AVX = 1 | AVX2 = 1", "supports_gpu": False}
    monkeypatch.setattr(build, "processor_flags", lambda: {"avx", "avx2", "avx512f", "sse"})
    (item,) = build._processor(facts)
    assert item.level is Level.WARNING and item.values["unused"] == "avx512f"
    facts["system_info"] = "CPU : AVX = 1 | AVX2 = 1 | AVX512 = 1"
    (item,) = build._processor(facts)
    assert item.level is Level.OK


@pytest.mark.parametrize(
    ("card", "build_can", "level"),
    [(1, 0, Level.WARNING), (0, 1, Level.WARNING), (1, 1, Level.WARNING), (0, 0, Level.OK)],
)
def test_the_graphics_card(
    card: bool, build_can: bool, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: card)
    cpu = {"name": "CPU", "description": "x", "kind": "cpu", "free": 1, "total": 2}
    (item,) = build._graphics({"supports_gpu": build_can, "devices": [cpu]})
    assert item.level is level


def test_each_graphics_card_and_its_memory() -> None:
    card = {"description": "X 1", "kind": "gpu", "free": 2**30, "total": 2**31}
    cards = [card | {"name": f"CUDA{number}"} for number in range(2)]
    items = list(build._graphics({"supports_gpu": True, "devices": cards}))
    assert [item.level for item in items] == [Level.OK, Level.OK]
    text = items[1].text.format(**items[1].values)
    assert text == "CUDA1 is X 1; 1.00 GiB of its 2.00 GiB are free"


def test_the_memory_of_each_device() -> None:
    gpu = DevicePlan("CUDA0", 5 * 2**20, 3 * 2**20, 2**20, 2**30, 2**31)
    host = DevicePlan("host", 2**20, 0, 0, 0, 0)
    found = list(model._room(MemoryPlan(4, 512, 4096, (gpu, host)), [Budget("RAM", 2**30, 2**31)]))
    texts = [item.text.format(**item.values) for item in found]
    assert texts == [
        "4 contexts of 512 tokens need 93.0 MiB; 1.00 GiB are free",
        "CUDA0 needs 9.0 MiB for them; 1.00 GiB of its 2.00 GiB are free",
    ]


@pytest.mark.native
def test_doctor_and_plan_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Of memory; free memory may change between the two."""
    pytest.importorskip("sentiric_llama._core")
    words = ["guide", "--contexts", "3", "--context-size", "512"]
    (item,) = report(capsys, *words)["memory"]
    assert cli.main(["plan", *words]) == 0
    header, host = (line.split("\t") for line in capsys.readouterr().out.splitlines()[:2])
    total = dict(zip(header, host, strict=True))["total"]
    assert item["text"].startswith(f"3 contexts of 512 tokens need {total}; ")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "all settings have their defaults"),
        (("guide",), "all settings have their defaults"),
        (("guide", "--contexts", "2"), "one setting is set, the others have their defaults"),
    ],
)
def test_only_what_the_user_set_is_counted(
    words: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["doctor", *words, "--json"])
    items = json.loads(capsys.readouterr().out)
    assert [item["text"] for item in items if item["check"] == "settings"] == [text]


# The frame


def test_a_check_that_fails_is_a_finding() -> None:
    def check_broken(_: Resolved) -> list[Finding]:
        raise RuntimeError("no idea")

    (item,) = examine(settings(), [check_broken])
    assert (item.name, item.level) == ("broken", Level.WARNING)
    assert item.values["reason"] == "RuntimeError: no idea"


def test_the_first_problem_is_the_exit_code() -> None:
    assert exit_code([ok("a", "x"), warning("a", "x")]) == 0
    first = problem("a", ErrorCode.MODEL_NOT_FOUND, "x")
    assert exit_code([warning("a", "x"), first, problem("a", ErrorCode.INTERNAL, "x")]) == 3


def test_every_sentence_has_a_turkish_one() -> None:
    folder = Path(checkup.__file__).parent
    trees = [ast.parse(path.read_text("utf-8")) for path in folder.glob("*.py")]
    texts = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and "{" in node.value and " " in node.value
    }  # fmt: skip
    assert len(texts) > 10
    same = {"Python {version}", "{path} ({size})"}
    assert not texts - set(turkish.CATALOGUE) - same


def test_turkish_for_people_english_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["doctor", *FREE_PORTS, "--lang", "tr"])
    assert "ayar verilmiş" in capsys.readouterr().out
    cli.main(["doctor", *FREE_PORTS, "--lang", "tr", "--json"])
    assert "settings are set" in capsys.readouterr().out


def test_marks_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["doctor", "--http-port", "0", "--color", "always"])
    out = capsys.readouterr().out
    assert "✔ python" in out and "\x1b[" in out


def test_no_engine_is_needed_to_ask_the_doctor(tmp_path: Path) -> None:
    """A package without its module still explains itself."""
    package = Path(cli.__file__).parent
    names = shutil.ignore_patterns("_core*", "lib*", "__pycache__", "*.gguf")
    shutil.copytree(package, tmp_path / "sentiric_llama", ignore=names)
    path = ":".join([str(tmp_path), *(p for p in sys.path if p and p != str(package.parent))])
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from sentiric_llama import cli; sys.exit(cli.main())",
         "doctor", "--http-port", "0"],
        capture_output=True, text=True, timeout=60, env={"PYTHONPATH": path, "PATH": "/usr/bin"},
    )  # fmt: skip
    assert done.returncode == 10, done.stderr
    assert "the engine is not built" in done.stdout
