# SPDX-License-Identifier: AGPL-3.0-only
"""The bodies of the routes that change the model."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from sentiric_llama.http.schemas.body import Body, InRange, refused
from sentiric_llama.settings.config import Settings
from sentiric_llama.types.ranges import NumberRange, out_of_range


class SwitchBody(Body):
    """The profile to load. With `stream`, progress is sent as events until it is loaded."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"profile": "small"}]})

    profile: Annotated[str, Field(min_length=1)]
    stream: bool = False

    @model_validator(mode="before")
    @classmethod
    def _has_profile(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("profile") in (None, ""):
            raise refused("Profile name required", "profile")
        return values


def _range_of(setting: str) -> NumberRange:
    """The bounds of a setting: the same for a request that changes it."""
    bounds: dict[str, Any] = {type(m).__name__: m for m in Settings.model_fields[setting].metadata}
    return NumberRange(setting, bounds["Ge"].ge, bounds["Le"].le, integer=True)


class HardwareBody(Body):
    """Settings to load the model with. A field that is left out gets its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"context_size": 8192}]})

    gpu_layers: Annotated[int, InRange(_range_of("gpu_layers"))] = -1
    context_size: Annotated[int, InRange(_range_of("context_size"))] = 4096
    kv_offload: bool = True

    @model_validator(mode="after")
    def _follows_the_settings(self) -> Self:
        """The settings' own rules, here so that the error names the field."""
        for name, value in self:
            for rule in Settings.model_fields[name].metadata:
                if isinstance(rule, AfterValidator):
                    _check(rule, name, value)
        return self


def _check(rule: Any, name: str, value: object) -> None:
    try:
        rule.func(value)
    except ValueError as error:
        raise refused(out_of_range(name, value, str(error)).what, name) from None
