# SPDX-License-Identifier: AGPL-3.0-only
"""llama-bench and llama-batched-bench: what llama.cpp decodes when nothing is sampled."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from benchmarks import tools
from benchmarks.scenario import Idle


class LlamaTools(Idle):
    """Each measurement is a process of its own, which loads the model first."""

    def __init__(self, model: Path, threads: int, device: str) -> None:
        self._model = model
        self._threads = threads
        self._device = device

    def bench(self, tokens: int) -> float:
        """Tokens per second of one stream, `tg` of llama-bench; flash attention as our `auto`."""
        output = self._run("llama-bench", "-p", 0, "-n", tokens, "-r", 1, "-o", "json", "-fa", 1)
        return float(json.loads(output)[0]["avg_ts"])

    def batched(self, streams: int, prompt: int, tokens: int) -> float:
        """Tokens per second of all streams while they decode, `S_TG` of llama-batched-bench."""
        context = streams * (prompt + tokens + 64)
        sizes = ("-npp", prompt, "-ntg", tokens, "-npl", streams, "-c", context)
        output = self._run("llama-batched-bench", *sizes, "--output-format", "jsonl")
        (line,) = [text for text in output.splitlines() if text.startswith("{")]
        return float(json.loads(line)["speed_tg"])

    def _run(self, name: str, *arguments: object) -> str:
        layers = 0 if self._device == "cpu" else 999
        common = ("-m", self._model, "-t", self._threads, "-ngl", layers)
        command = [tools.path(name, self._device), *common, *arguments]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr[-400:]}")
        return done.stdout
