# SPDX-License-Identifier: AGPL-3.0-only
"""Whether each token of a text is the one that the model and the request's own numbers choose.

Where llama.cpp multiplies, a verified token rounds otherwise than a decoded one, and of two that
are nearly equally likely the other may win. Then two texts of one request part, and both are right.
What holds on every processor is asked here, of a whole text and not of its start alone: each token
is the choice after all those before it, but for what rounding may do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sentiric_llama import build_info
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.types import SamplingParams

Rows = npt.NDArray[np.float64]

ROUNDING = 0.08
"""What another order of additions does to a logit at most, as a part of their spread."""
ROUNDING_OF_SUMS = 0.02
"""The same of the probabilities up to a token, added up."""


def rounds_alike() -> bool:
    """Whether a token has the same bits decoded and verified, on this processor."""
    return build_info()["cpu_kernels"] != "llama"


def check_same_text(
    engine: Engine,
    prompt: Sequence[int],
    text: Sequence[int],
    plain: Sequence[int],
    sampling: SamplingParams,
) -> None:
    """`text` is the `plain` one, which came without drafts: bit by bit, or up to rounding."""
    if rounds_alike():
        assert list(text) == list(plain)
    assert len(text) == len(plain)
    check_choices(engine, prompt, text, sampling)
    check_choices(engine, prompt, plain, sampling)


def check_choices(
    engine: Engine, prompt: Sequence[int], text: Sequence[int], sampling: SamplingParams
) -> None:
    """`sampling` is greedy or draws from the whole distribution, without penalties.

    The end token is left out but where the text ends with it, as `ignore_eos` does.
    """
    rows = engine.logits([*prompt, *text])[len(prompt) - 1 : -1].astype(np.float64)
    spread = rows.std(axis=1)
    rows[np.asarray(text) != engine.info.eos, engine.info.eos] = -np.inf
    for token, bias in sampling.logit_bias.items():
        rows[:, int(token)] += bias
    if sampling.temperature == 0:
        _check_best(rows, text, spread)
    else:
        assert sampling.seed is not None
        _check_drawn(rows / sampling.temperature, text, sampling.seed)


def _check_best(rows: Rows, text: Sequence[int], spread: Rows) -> None:
    missing = (rows.max(axis=1) - rows[np.arange(len(text)), text]) / spread
    worst = int(missing.argmax())
    assert missing[worst] <= ROUNDING, f"token {worst} is not the best one"


def _check_drawn(rows: Rows, text: Sequence[int], seed: int) -> None:
    """The number drawn for each token lies in the token's part of the probabilities' sum."""
    weights = np.exp(rows - rows.max(axis=1, keepdims=True))
    sums = (weights / weights.sum(axis=1, keepdims=True)).cumsum(axis=1)
    places = np.arange(len(text))
    high = sums[places, text]
    low = np.where(np.asarray(text) > 0, sums[places, np.maximum(text, 1) - 1], 0.0)
    drawn = uniform_draws(seed, len(text))
    outside = np.maximum(low - drawn, drawn - high)
    worst = int(outside.argmax())
    assert outside[worst] <= ROUNDING_OF_SUMS, f"token {worst} is not the drawn one"


def uniform_draws(seed: int, count: int) -> Rows:
    """What a request with this seed draws, one number for each token: C++'s `mt19937`."""
    raw = np.random.RandomState(seed).randint(0, 2**32, size=2 * count, dtype=np.uint32)
    low, high = raw[0::2].astype(np.float64), raw[1::2].astype(np.float64)
    return (low + high * 2.0**32) / 2.0**64
