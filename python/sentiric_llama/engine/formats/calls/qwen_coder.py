# SPDX-License-Identifier: AGPL-3.0-only
"""Qwen3-Coder and Qwen 3.5: `<function=name>` with one `<parameter=key>` for each argument."""

from __future__ import annotations

from sentiric_llama.engine.formats.calls.tagged import Tagged
from sentiric_llama.engine.formats.members import Members


class QwenCoder(Tagged):
    name = "qwen-coder"
    marks = ("<tool_call>",)
    shown = ("<tool_call>", "</tool_call>")
    before_name = "\n<function="
    after_name = ">\n"
    close = "</function>"
    closing = "\n</tool_call>"
    separator = "\n"
    members = Members("<parameter=", ">\n", "\n</parameter>")
