# SPDX-License-Identifier: AGPL-3.0-only
"""lm-eval against the real server: its log-likelihoods are the library's. `make lm-eval`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import models
from sentiric_llama.engine.blocking import Engine
from server_process import ServerProcess

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / "build" / "lm-eval-venv" / "bin" / "python"
MODEL = "qwen2-q8_0"
QUESTIONS = (
    ("The HTTP port is", (" 16070", " 80", " open")),
    ("Merhaba", (" dünya", " masa", " kapı")),
    ("One, two, three,", (" four", " nine and more", " 🦙")),
)
TASK: dict[str, Any] = {
    "task": "choices",
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "{{answer}}",
    "target_delimiter": "",
    "metric_list": [{"metric": "acc"}],
}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    server = ServerProcess(models.model(MODEL), contexts=2, context_size=512).wait_ready()
    yield server
    server.close()


@pytest.fixture(scope="module")
def wanted() -> list[list[float]]:
    """Of each choice, by the library: the sum over its tokens behind those of the question."""
    with Engine(str(models.model(MODEL)), contexts=1, context_size=512) as engine:

        def score(question: str, choice: str) -> float:
            begin = len(engine.tokenize(question))
            ids = engine.tokenize(question + choice)
            deltas = list(engine.stream(ids, max_tokens=0, prompt_logprobs=1))
            entries = [entry for delta in deltas for entry in delta.prompt_logprobs]
            return sum(entry.chosen.logprob for entry in entries[begin:])

        return [[score(question, choice) for choice in choices] for question, choices in QUESTIONS]


@pytest.mark.parametrize(("num_concurrent", "batch_size"), [(1, 1), (4, 1), (1, 4)])
def test_scores_are_those_of_the_library(
    server: ServerProcess,
    wanted: list[list[float]],
    tmp_path: Path,
    num_concurrent: int,
    batch_size: int,
) -> None:
    answers = [scores.index(max(scores)) for scores in wanted]
    answers[0] = (answers[0] + 1) % 3  # one of them is to be wrong
    rows = [
        {"question": question, "choices": choices, "answer": answer}
        for (question, choices), answer in zip(QUESTIONS, answers, strict=True)
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    files = {"dataset_kwargs": {"data_files": {"test": str(data)}}}
    (tmp_path / "choices.yaml").write_text(json.dumps(TASK | files), "utf-8")
    offline = {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [
            *(PYTHON, HERE / "served_model.py", server.url, tmp_path),
            *(str(num_concurrent), str(batch_size)),
        ],
        env=dict(os.environ) | offline,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["scores"] == [pytest.approx(scores, abs=1e-6) for scores in wanted]
    assert found["accuracy"] == pytest.approx(2 / 3)
