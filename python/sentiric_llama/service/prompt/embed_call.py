# SPDX-License-Identifier: AGPL-3.0-only
"""A call for embeddings, the same for every protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from sentiric_llama.engine.protocol import AsyncEngineProtocol, FloatArray
from sentiric_llama.errors import ContextLengthExceeded, InvalidArgument
from sentiric_llama.host.off_loop import off_loop
from sentiric_llama.service.chat_call import MAX_CONTENT_BYTES
from sentiric_llama.service.models.slot import LoadedModel
from sentiric_llama.types.ranges import out_of_range

MAX_INPUTS = 2048
MAX_TOKENS = 2**18
"""Of all inputs of a call."""
PORTION = 512
"""Tokens of several inputs that are embedded in one turn of a caller, ..."""
PORTION_INPUTS = 4
"""... and inputs: one of few tokens takes the time of a decode, too."""


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """Texts, or lists of token ids, which are taken as they are."""

    inputs: Sequence[str | Sequence[int]]
    model: str | None = None
    field: str = "input"
    """What errors about the inputs name."""
    dimensions: int | None = None
    """How many of each vector are asked for; None: all."""


class Embeddings(NamedTuple):
    """One row per input."""

    rows: FloatArray
    num_tokens: int
    model: str


async def rows_of(
    loaded: LoadedModel, call: EmbedCall, prompts: Sequence[Sequence[int]], share: str
) -> FloatArray:
    """One row per prompt, computed in turns of the callers.

    Cancelling the task stops the work behind the current input; until then the turn is taken.
    An input that is too long is blamed in the words of its caller.
    """
    engine, turns = loaded.engine, loaded.embedding
    try:
        found = [
            await turns.run(share, partial(engine.embed, (), portion))
            for portion in portions(prompts)
        ]
    except InvalidArgument as error:
        if error.where != "tokens":
            raise
        longest = max(range(len(prompts)), key=lambda index: len(prompts[index]))
        what = f"{error.what} tokens"
        raise InvalidArgument(what, where=f"{call.field}.{longest}") from None
    return await off_loop(_joined, found) if len(found) > 1 else found[0]


def portions(prompts: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    """The prompts in order, in groups of at most PORTION tokens and PORTION_INPUTS, or of one."""
    begin = size = 0
    for index, prompt in enumerate(prompts):
        is_full = index - begin >= PORTION_INPUTS or size + len(prompt) > PORTION
        if index > begin and is_full:
            yield prompts[begin:index]
            begin, size = index, 0
        size += len(prompt)
    yield prompts[begin:]


def _joined(found: list[FloatArray]) -> FloatArray:
    import numpy as np

    return np.concatenate(found)


async def tokens_of(engine: AsyncEngineProtocol, call: EmbedCall) -> list[Sequence[int]]:
    """The token ids of every input. Raises InvalidArgument or ContextLengthExceeded."""
    width = engine.info.num_embd
    if call.dimensions is not None and call.dimensions > width:
        raise out_of_range("dimensions", call.dimensions, f"an integer 1..{width}")
    if not 1 <= len(call.inputs) <= MAX_INPUTS:
        raise out_of_range(call.field, call.inputs, f"1..{MAX_INPUTS} inputs")
    texts = [text for text in call.inputs if isinstance(text, str)]
    if sum(len(text.encode()) for text in texts) > MAX_CONTENT_BYTES:
        what = f"too much text; allowed {MAX_CONTENT_BYTES} bytes"
        raise ContextLengthExceeded(what, where=call.field)
    found: list[Sequence[int]] = []
    num_tokens, num_vocab = 0, engine.info.num_vocab
    for index, given in enumerate(call.inputs):
        where = f"{call.field}.{index}"
        if isinstance(given, str):
            ids: Sequence[int] = await engine.tokenize_to_array(given, add_special=True)
        else:
            ids = given
            if ids and not 0 <= min(ids) <= max(ids) < num_vocab:
                wrong = next(token for token in ids if not 0 <= token < num_vocab)
                raise out_of_range(where, wrong, f"token ids 0..{num_vocab - 1}")
        if not ids:
            raise InvalidArgument("must not be empty", where=where)
        num_tokens += len(ids)
        if num_tokens > MAX_TOKENS:
            raise out_of_range(call.field, num_tokens, f"at most {MAX_TOKENS} tokens")
        found.append(ids)
    return found
