# SPDX-License-Identifier: AGPL-3.0-only
"""Prompts for a text that stands between two others."""

from __future__ import annotations

from dataclasses import replace

from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.service.chat_call import ChatCall


async def with_suffix(engine: AsyncEngineProtocol, call: ChatCall) -> ChatCall:
    """The call with its suffix inside its prompts: prefix mark, prompt, suffix mark, suffix, middle
    mark, as the models were trained. Control tokens that the texts spell are text.

    Raises InvalidArgument if the vocabulary has no such marks.
    """
    if not call.suffix:
        return call
    info = engine.info
    marks = (info.infill_prefix, info.infill_suffix, info.infill_middle)
    if min(marks) < 0:
        what = "the model's vocabulary has no tokens for infill; leave it out"
        raise InvalidArgument(what, where="suffix")
    before, behind, middle = marks
    # What the model wants at the beginning of any text; an end mark would be wrong here.
    head = [t for t in await engine.tokenize_to_array("", add_special=True) if t == info.bos][:1]
    suffix = await engine.tokenize_to_array(call.suffix)
    prompts = []
    for prompt in call.prompts:
        ids = await engine.tokenize_to_array(prompt) if isinstance(prompt, str) else prompt
        prompts.append((*head, before, *ids, behind, *suffix, middle))
    return replace(call, prompts=tuple(prompts), suffix="")
