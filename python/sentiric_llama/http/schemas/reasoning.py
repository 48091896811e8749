# SPDX-License-Identifier: AGPL-3.0-only
"""Whether, how much and how long a model thinks before it answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange
from sentiric_llama.service.request_fields import MAX_TEMPLATE_ARGUMENTS, parse_template_arguments
from sentiric_llama.types.ranges import THINKING_BUDGET
from sentiric_llama.types.wishes import Effort

OWN_VARIABLES = (
    *("messages", "tools", "bos_token", "eos_token", "add_generation_prompt"),
    *("true", "True", "false", "False", "none", "None"),
)
"""What a template has from the conversation, and its constants; the engine refuses them."""
_ARGUMENTS = {
    "type": "object",
    "maxProperties": MAX_TEMPLATE_ARGUMENTS,
    "propertyNames": {"maxLength": 256, "not": {"enum": list(OWN_VARIABLES)}},
}

Budget = Annotated[int | None, InRange(THINKING_BUDGET)]


class ReasoningFields(Body):
    """`reasoning_effort: none` switches thoughts off, where the model's template can."""

    reasoning_effort: Effort | None = None
    reasoning_budget_tokens: Budget = None
    thinking_budget_tokens: Budget = None
    thinking_budget: Budget = None
    chat_template_kwargs: Annotated[
        dict[str, Any], CheckedBy(parse_template_arguments, _ARGUMENTS)
    ] = Field(default_factory=dict)

    @property
    def thinks(self) -> bool | None:
        """None: as the template has it."""
        return None if self.reasoning_effort is None else self.reasoning_effort != "none"

    @property
    def effort(self) -> str:
        """The word for the template; "" for its default."""
        return "" if self.reasoning_effort in (None, "none") else str(self.reasoning_effort)

    @property
    def budget(self) -> int | None:
        """The first bound that is given. None, no bound, for -1."""
        given = (self.reasoning_budget_tokens, self.thinking_budget_tokens, self.thinking_budget)
        return next((limit for limit in given if limit is not None and limit >= 0), None)
