# SPDX-License-Identifier: AGPL-3.0-only
"""A model of lm-eval whose texts are tokenised by this server: `lm_eval.main(BASE_URL, TASKS)`.

For files without a tokenizer on the Hub. With one, lm-eval's own `local-completions` will do.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import lm_eval
import requests
from lm_eval.models.openai_completions import LocalCompletionsAPI
from lm_eval.tasks import TaskManager

TASK = "choices"


class ServedTokenizer:
    """`/tokenize` and `/detokenize` under the names that lm-eval wants."""

    eos_token = "<|endoftext|>"

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        (self.eos_token_id,) = self.encode(self.eos_token)
        self.bos_token_id = self.eot_token = self.eos_token_id

    def encode(self, text: str) -> list[int]:
        return list(self._post("/tokenize", {"content": text})["tokens"])

    def decode(self, tokens: list[int]) -> str:
        return str(self._post("/detokenize", {"tokens": tokens})["content"])

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = requests.post(self._base_url + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()


class ServedModel(LocalCompletionsAPI):  # type: ignore[misc]
    """`local-completions`, which sends token ids."""

    def __init__(self, base_url: str, **options: Any) -> None:
        url = f"{base_url}/v1/completions"
        super().__init__(base_url=url, tokenizer_backend=None, **options)
        self.tokenizer_backend, self.tokenized_requests = "remote", True
        self.tokenizer = ServedTokenizer(base_url)


def main(base_url: str, tasks: Path, num_concurrent: int, batch_size: int) -> None:
    """Prints the log-likelihoods of all choices, question by question."""
    model = ServedModel(
        base_url, model="default", num_concurrent=num_concurrent, batch_size=batch_size
    )
    found = lm_eval.simple_evaluate(
        model=model,
        tasks=[TASK],
        task_manager=TaskManager(include_path=str(tasks)),
        log_samples=True,
        bootstrap_iters=0,
    )
    samples = sorted(found["samples"][TASK], key=lambda sample: sample["doc_id"])
    scores = [[score for score, _ in sample["filtered_resps"]] for sample in samples]
    print(json.dumps({"scores": scores, "accuracy": found["results"][TASK]["acc,none"]}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
