# SPDX-License-Identifier: AGPL-3.0-only
"""Text between two others: what the model says of its vocabulary, and the prompt made of it."""

from __future__ import annotations

import asyncio

import pytest

import models
from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.prompt.infill import with_suffix


async def prompts_of(name: str, call: ChatCall) -> tuple[tuple[int, ...], ...]:
    async with await AsyncEngine.open(str(models.model(name)), contexts=1) as engine:
        return (await with_suffix(engine, call)).prompts  # type: ignore[return-value]


def test_the_order_is_prefix_suffix_middle() -> None:
    before, behind = "def toplam(a, b):", "    return <|fim_middle|> sonuç"
    call = ChatCall(prompts=(before, (700, 701)), suffix=behind)
    text, ids = asyncio.run(prompts_of("infill-q8_0", call))
    with Engine(str(models.model("infill-q8_0")), contexts=1, context_size=64) as engine:
        marks = engine.tokenize("<|fim_prefix|><|fim_suffix|><|fim_middle|>", parse_special=True)
        info = engine.info
        assert [info.infill_prefix, info.infill_suffix, info.infill_middle] == marks[-3:]
        first, second, last = marks[-3:]
        plain = engine.tokenize(behind)  # what a text spells is no mark
        assert last not in plain
        assert text == (info.bos, first, *engine.tokenize(before), second, *plain, last)
        assert ids == (info.bos, first, 700, 701, second, *plain, last)


def test_a_vocabulary_without_the_tokens_is_refused() -> None:
    call = ChatCall(prompts=("a",), suffix="b")
    with pytest.raises(InvalidArgument) as caught:
        asyncio.run(prompts_of("small-q8_0", call))
    assert caught.value.where == "suffix"
