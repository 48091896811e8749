# SPDX-License-Identifier: AGPL-3.0-only
"""DeepSeek V3, R1 and V3.1: a section of calls between control tokens."""

from __future__ import annotations

from sentiric_llama.engine.formats.arguments_behind_name import ArgumentsBehindName

_CALL, _SEP, _END = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"


class DeepSeek31(ArgumentsBehindName):
    """V3.1."""

    name = "deepseek-v3.1"
    marks = ("<｜tool▁calls▁begin｜>",)
    shown = ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", _CALL, _SEP, _END)
    is_list = True
    closing = "<｜tool▁calls▁end｜>"
    before_name = _CALL
    after_name = _SEP
    after_arguments = _END


class DeepSeek(DeepSeek31):
    """V3 and R1, with the arguments in a block of code."""

    name = "deepseek"
    separator = "\n"
    before_name = f"{_CALL}function{_SEP}"
    after_name = "\n```json\n"
    after_arguments = f"\n```{_END}"
