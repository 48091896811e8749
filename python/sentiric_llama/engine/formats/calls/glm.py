# SPDX-License-Identifier: AGPL-3.0-only
"""GLM 4.5 to 4.7: the name behind `<tool_call>`, then `<arg_key>` and `<arg_value>` in turn."""

from __future__ import annotations

from sentiric_llama.engine.formats.calls.tagged import Tagged
from sentiric_llama.engine.formats.members import Members


class Glm(Tagged):
    """GLM 4.5 and 4.6."""

    name = "glm"
    marks = ("<tool_call>",)
    shown = (
        *("<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>"),
        "</arg_value>",
    )
    before_name = ""
    after_name = "\n"
    close = "</tool_call>"
    separator = "\n"
    members = Members("<arg_key>", "</arg_key>\n<arg_value>", "</arg_value>")


class Glm47(Glm):
    """GLM 4.7, which writes no line ends."""

    name = "glm-4.7"
    after_name = ""
    separator = ""
    members = Members("<arg_key>", "</arg_key><arg_value>", "</arg_value>", after="")
