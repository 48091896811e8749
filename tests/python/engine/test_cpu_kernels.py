# SPDX-License-Identifier: AGPL-3.0-only
"""The engine's own matrix products beside llama.cpp's; tests/cpp/kernels has each by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import models
from engine_tools import prompt_tokens
from sentiric_llama import build_info
from sentiric_llama.engine.blocking import Engine

PROGRAM = """
import sys, numpy
from sentiric_llama import build_info
from sentiric_llama.engine.blocking import Engine
with Engine(sys.argv[1], contexts=1, context_size=512, compute_threads=2) as engine:
    rows = engine.logits([int(token) for token in sys.argv[3].split()])
numpy.save(sys.argv[2], rows)
print(build_info()["cpu_kernels"])
"""


def logits_of_llama(model: Path, prompt: list[int], folder: Path) -> np.ndarray:
    """The same logits in a process in which llama.cpp multiplies."""
    file = folder / "logits.npy"
    command = [sys.executable, "-c", PROGRAM, str(model), str(file), " ".join(map(str, prompt))]
    variables = os.environ | {
        "SENTIRIC_CPU_KERNELS": "llama",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["llama"]
    rows: np.ndarray = np.load(file)
    return rows


@pytest.mark.parametrize("name", ["tiny-q8_0", "tiny-q4_0", "tiny-f16", "wide-f16"])
def test_they_say_what_llama_says(name: str, tmp_path: Path) -> None:
    """Both round, in another order; what they mean is the same."""
    model, prompt = models.model(name), prompt_tokens(70)
    want = logits_of_llama(model, prompt, tmp_path)
    with Engine(str(model), contexts=1, context_size=512, compute_threads=2) as engine:
        rows = engine.logits(prompt)
    assert rows.shape == want.shape
    spread = want.std()
    assert np.abs(rows - want).mean() < 0.02 * spread
    agree = (rows.argmax(axis=1) == want.argmax(axis=1)).mean()
    assert agree >= 0.9
    if build_info()["cpu_kernels"] != "llama":
        assert not np.array_equal(rows, want)  # the switch switches
