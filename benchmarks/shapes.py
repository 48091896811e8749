# SPDX-License-Identifier: AGPL-3.0-only
"""The models that are measured: published shapes with random weights.

Shape and quantisation decide how long a step takes; the values of the weights do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Wiring = Literal["random", "recite", "long-words"]
"""What the output head prefers.

random: nothing, every weight is drawn.
recite: each token has one successor, so that greedy output recites a fixed list of words.
long-words: longer tokens, so that text under a grammar is split as a trained model splits it.
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """The hyperparameters of one model and the vocabulary it uses."""

    architecture: str
    vocabulary: str
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_width: int = 0
    """0 is width / heads."""
    context: int = 32768
    template: str = ""
    tied: bool = True
    """The output matrix is the embedding matrix."""
    window: int = 0
    """Sliding-window attention over so many tokens; 0 is none."""

    @property
    def head(self) -> int:
        return self.head_width or self.width // self.heads


_QWEN = "Qwen-Qwen2.5-7B-Instruct.jinja"
_LLAMA = "meta-llama-Llama-3.2-3B-Instruct.jinja"

QWEN = Shape("qwen2", "qwen2", 24, 896, 4864, 14, 2, template=_QWEN)
SMALL = Shape("qwen2", "qwen2", 2, 128, 512, 2, 2, template=_QWEN)

LARGE = "qwen2.5-0.5b"
"""The model of a scenario that wants a real one; `--model` replaces it."""

SHAPES: dict[str, Shape] = {
    "qwen2.5-0.5b": QWEN,
    "llama-3.2-1b": Shape("llama", "llama-bpe", 16, 2048, 8192, 32, 8, template=_LLAMA),
    "llama-3.1-8b": Shape(
        "llama", "llama-bpe", 32, 4096, 14336, 32, 8, template=_LLAMA, tied=False
    ),
    "gemma-3-1b": Shape(
        *("gemma3", "gemma-4", 26, 1152, 6912, 4, 1, 256),
        template="google-gemma-2-2b-it.jinja",
        window=512,
    ),
    # The quick run's stand-in for the first: a fifth of its work.
    "quick": replace(QWEN, layers=6, width=512, feed_forward=2048, heads=8),
    # So small that choosing tokens is most of the work.
    "sampling": SMALL,
    "tiny": Shape("llama", "llama-spm", 2, 64, 192, 4, 2, context=8192),
    # One more of each vocabulary, for how cost grows with it.
    "vocab-32k": replace(SMALL, architecture="llama", vocabulary="llama-spm", template=""),
    "vocab-65k": replace(SMALL, architecture="llama", vocabulary="falcon", template=""),
    "vocab-128k": replace(SMALL, architecture="llama", vocabulary="llama-bpe", template=_LLAMA),
    "vocab-262k": replace(SMALL, architecture="llama", vocabulary="gemma-4", template=""),
}

QUANTISATIONS = ("Q8_0", "Q4_0", "Q4_K_M", "Q5_K_M", "Q6_K")
WRITTEN_DIRECTLY = ("Q8_0", "Q4_0")
"""The others are made from Q8_0 by llama.cpp."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model file: `qwen2.5-0.5b:Q8_0` or `qwen2.5-0.5b:Q8_0:recite`."""

    shape: str
    type: str = "Q8_0"
    wiring: Wiring = "random"

    @property
    def name(self) -> str:
        tail = "" if self.wiring == "random" else f"-{self.wiring}"
        return f"{self.shape}-{self.type}{tail}"


def parse_spec(text: str) -> ModelSpec:
    """Raises ValueError that names what is allowed."""
    shape, *rest = text.split(":")
    kind, wiring = [*rest, *("Q8_0", "random")[len(rest) :]][:2]
    for got, allowed in ((shape, SHAPES), (kind, QUANTISATIONS), (wiring, Wiring.__args__)):  # type: ignore[attr-defined]
        if got not in allowed:
            raise ValueError(f"[model] unknown; got {got!r}, allowed {', '.join(allowed)}")
    return ModelSpec(shape, kind, wiring)  # type: ignore[arg-type]
