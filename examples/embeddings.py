# SPDX-License-Identifier: AGPL-3.0-only
"""Texts ranked by similarity: `python examples/embeddings.py [MODEL] [QUESTION]`.

Any model gives vectors, but only one that was trained for embeddings gives good ones, for example
`ggml-org/embeddinggemma-300M-GGUF`.
"""

import sys

import numpy as np

from sentiric_llama import Engine

TEXTS = [
    "The HTTP API listens on port 16070.",
    "gRPC clients connect to port 16071.",
    "A cat sleeps on the warm keyboard.",
]


def main(model: str = "guide", question: str = "Where do HTTP clients connect?") -> None:
    with Engine.from_pretrained(model, contexts=1) as engine:
        texts = engine.embed(TEXTS)  # float32, one row per text, each of length 1
        (query,) = engine.embed(question)
    scores = texts @ query  # of unit vectors: cosine similarity
    for index in np.argsort(-scores):
        print(f"{scores[index]:.3f}  {TEXTS[index]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
