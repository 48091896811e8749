# SPDX-License-Identifier: AGPL-3.0-only
"""What llama.cpp computes in a process without any of our code."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import native_programs
from sentiric_llama.engine.facts import build_info


def vectors(
    model: Path, pooling: str, texts: Sequence[Sequence[int]], how: str
) -> npt.NDArray[np.float32]:
    """The embedding of each text: "alone", as by default, or in a "batch" without flash attention,
    with which llama.cpp's vectors depend on the other texts."""
    return _run(model, texts, "embed", pooling, how)


def logits(model: Path, tokens: Sequence[int], *, repacks: bool) -> npt.NDArray[np.float32]:
    """The logits after each token. `repacks`: as where none of our kernels are on."""
    return _run(model, [tokens], "logits", repacks=repacks)


def _run(
    model: Path, texts: Sequence[Sequence[int]], *task: str, repacks: bool | None = None
) -> npt.NDArray[np.float32]:
    if repacks is None:  # where our kernels are on, the engine reads weights as the file holds them
        repacks = build_info()["cpu_kernels"] == "llama"
    lines = "".join(" ".join(map(str, tokens)) + "\n" for tokens in texts)
    done = subprocess.run(
        [native_programs.built("plain/plain-llama"), model, str(int(repacks)), *task],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [np.array(line.split(), dtype=np.float32) for line in done.stdout.splitlines()]
    return np.stack(rows)
