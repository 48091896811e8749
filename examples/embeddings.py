# SPDX-License-Identifier: AGPL-3.0-only
"""Rank texts by similarity.

Any model gives vectors, but only one that was trained for embeddings ranks well, for example
`ggml-org/embeddinggemma-300M-GGUF`. The guide is not: expect a poor order.
"""

import argparse
import sys

import numpy as np

from sentiric_llama import Engine, SentiricLlamaError

QUESTION = "Where do HTTP clients connect?"
TEXTS = [
    "The HTTP API listens on port 16070.",
    "gRPC clients connect to port 16071.",
    "A cat sleeps on the warm keyboard.",
]


def main(model: str = "guide", question: str = QUESTION) -> None:
    with Engine.from_pretrained(model, contexts=1) as engine:
        texts = engine.embed(TEXTS)  # float32, one row per text, each of length 1
        (query,) = engine.embed(question)
    scores = texts @ query  # of unit vectors: cosine similarity
    print(question)
    for index in np.argsort(-scores):
        print(f"{scores[index]:.3f}  {TEXTS[index]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="guide", help="a path or org/repo[:QUANT]")
    parser.add_argument("question", nargs="?", default=QUESTION)
    try:
        main(**vars(parser.parse_args()))
    except SentiricLlamaError as error:
        sys.exit(str(error))
