# SPDX-License-Identifier: AGPL-3.0-only
"""The base of the models that describe answers, and the answer to an error.

The handlers write plain dicts. These models document them in OpenAPI; tests validate the answers of
a running server against them.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class Answer(BaseModel):
    """A JSON object of an answer. A field with the default None may be left out, but not null."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Open to fields that a later version adds, as clients must be."""
        found = handler(core)
        model = handler.resolve_ref_schema(found)
        model.pop("additionalProperties", None)
        fields = model.get("properties", {})
        for name in fields:
            fields[name].pop("title", None)
            if name not in model.get("required", ()):
                fields[name] = _without_null(fields[name])
        return found


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field that is either left out or has a value."""
    rest = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    return rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


class ErrorDetails(Answer):
    """What went wrong. `n_prompt_tokens` and `n_ctx` come with a prompt that is too long."""

    message: str
    type: str
    param: str | None
    code: str | None
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class Error(Answer):
    """Every refusal and failure."""

    error: ErrorDetails
