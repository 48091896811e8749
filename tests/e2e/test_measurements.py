# SPDX-License-Identifier: AGPL-3.0-only
"""`bench` against servers and engines: what it measures, compares and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from command_runs import NOWHERE, Run


def test_a_measurement(tiny: Any, run: Run, tmp_path: Path) -> None:
    output = tmp_path / "a.json"
    words = ["bench", "--url", tiny.url, "--requests", "6", "--concurrent", "3"]
    words += ["--prompt-len", "64", "--output-len", "8", "--warm-up", "1"]
    done = run(*words, "--slo", "ttft=100s,tpot=100s", "--output", str(output), "--json")
    found = json.loads(done.stdout)
    assert json.loads(output.read_text()) == found
    assert (found["requests"], found["ok"], found["errors"]) == (6, 6, {})
    assert found["output_tokens"] == 48, "counted by the server, equal lengths"
    assert 6 * 50 < found["prompt_tokens"] < 6 * 130
    assert found["good_share"] == 1 and found["server"]["contexts"] == 8
    assert found["ttft_ms"]["p50"] <= found["ttft_ms"]["p99"] <= found["e2e_ms"]["p99"]

    missed = json.loads(run(*words, "--slo", "ttft=0.001ms", "--rate", "50", "--json").stdout)
    assert missed["goodput_per_s"] == 0 and missed["ok"] == 6

    worse = found | {"output_tokens_per_s": found["output_tokens_per_s"] * 0.9}
    (tmp_path / "b.json").write_text(json.dumps(worse))
    files = (str(output), str(tmp_path / "b.json"))
    table = run("bench", "compare", *files, "--max-regression", "5%", code=1).stdout
    assert "output_tokens_per_s\t-10.0 %\tworse" in table
    run("bench", "compare", *files, "--max-regression", "15%")
    run("bench", "compare", *reversed(files))
    assert (
        "different loads (concurrent); measure one"
        in run("bench", "compare", files[0], str(_with_plan(tmp_path, found)), code=2).stderr
    )


LOAD = ("--requests", "6", "--concurrent", "3", "--prompt-len", "64", "--output-len", "8")


def test_a_measurement_without_a_server(
    tiny: Any, tiny_q8_0: Path, run: Run, tmp_path: Path
) -> None:
    """Of the engine, over gRPC and over HTTP: one plan, one shape, the same tokens."""
    targets = {
        "engine": ("--engine", str(tiny_q8_0), "--context-size", "2048", "--contexts", "3"),
        "grpc": (*NOWHERE, "--grpc-endpoint", tiny.grpc_address),
        "http": ("--url", tiny.url),
    }
    reports = {}
    for name, words in targets.items():
        output = str(tmp_path / f"{name}.json")
        done = run("bench", *LOAD, *words, "--slo", "e2e=100s", "--output", output, "--json")
        reports[name] = json.loads(done.stdout)
    for name, found in reports.items():
        assert found.keys() == reports["http"].keys() and found["plan"] == reports["http"]["plan"]
        assert (found["ok"], found["output_tokens"], found["good_share"]) == (6, 48, 1), name
        assert found["cached_tokens"] < 6 * 20, "prompts begin differently"
    engine = reports["engine"]["server"]
    assert engine["contexts"] == 3 and engine["url"] is None
    assert engine["meta"] == reports["http"]["server"]["meta"]
    files = [str(tmp_path / f"{name}.json") for name in ("http", "engine")]
    run("bench", "compare", *files, "--max-regression", "100000%")


def test_what_a_shared_prefix_is_worth_to_the_engine(tiny_q8_0: Path, run: Run) -> None:
    words = ("bench", *LOAD, "--shared-prefix", "48", "--rate", "100", "--json")
    done = run(*words, "--engine", str(tiny_q8_0), context_size=512, contexts=2)
    found = json.loads(done.stdout)
    assert found["ok"] == 6 and found["cached_tokens"] > 4 * 40
    assert found["server"]["contexts"] == 2, "the variables of serve count"


def test_an_engine_that_cannot_be_measured(tmp_path: Path, run: Run) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    assert "broken.gguf" in run("bench", "--engine", str(broken), code=4).stderr
    words = ("--contexts", "256", "--context-size", "1024k")
    assert "host needs" in run("bench", "--engine", "guide", *words, code=8).stderr


def _with_plan(folder: Path, found: dict[str, Any]) -> Path:
    path = folder / "c.json"
    path.write_text(json.dumps(found | {"plan": found["plan"] | {"concurrent": 99}}))
    return path


def test_refused_measurements(tiny: Any, run: Run, tmp_path: Path) -> None:
    lost = ("bench", "--url", tiny.url, "--output", str(tmp_path / "no" / "x.json"))
    told = run(*lost, code=2)
    assert "create it with: mkdir -p" in told.stderr and not told.stdout
    assert "requests" not in told.stderr, "before the measurement"
    for words in (["--requests", "0"], ["--slo", "ttft=fast"], ["compare", "a"]):
        assert "allowed" in run("bench", "--url", tiny.url, *words, code=2).stderr
    failed = run("bench", "--url", tiny.url, "--prompt-len", "4000", "--requests", "2", code=1)
    assert "context_length_exceeded" in failed.stdout and "0 / 2" in failed.stdout
