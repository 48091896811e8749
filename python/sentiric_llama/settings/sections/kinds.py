# SPDX-License-Identifier: AGPL-3.0-only
"""What all sections share: the base class, types of values and alternative variable names."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from sentiric_llama.access.api_key import clean_key
from sentiric_llama.host.plain_numbers import is_plain_number
from sentiric_llama.settings.names import PREFIX
from sentiric_llama.types.ranges import SAMPLING_RANGES


class Section(BaseModel):
    """Base of every section. `TITLE` is its heading in help texts and docs/settings.md."""

    TITLE: ClassVar[str] = ""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=False,
        hide_input_in_errors=True,
        protected_namespaces=(),
        defer_build=True,  # only the class of all sections validates
    )

    @field_validator("*", mode="before")
    @classmethod
    def _check_digits(cls, value: object, info: ValidationInfo) -> object:
        """Refuses what Python reads as a number and people do not, as `1_0` or `nan`."""
        kind = cls.model_fields[info.field_name or ""].annotation
        if kind in (int, float) and isinstance(value, str) and not is_plain_number(value):
            raise PydanticCustomError("digits", "not a number in ASCII digits")
        return value


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _clean(value: object) -> object:
    """The same rule for a key from every source."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return SecretStr(clean_key(text)) if isinstance(text, str) else text


Key = Annotated[SecretStr | None, BeforeValidator(_clean)]
"""One API key, without white space around it."""

NameList = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""A list, or one string with commas."""

any_case = BeforeValidator(_lower)
"""Makes a choice case-insensitive."""


def named(*names: str, unprefixed: str = "") -> AliasChoices:
    """The variables of a setting that has several; the first one is preferred."""
    prefixed = [PREFIX + name for name in names]
    return AliasChoices(*prefixed, *([unprefixed] if unprefixed else []))


def sampling(name: str, default: float) -> Any:
    """The default of a sampling parameter, with the same range as in requests."""
    allowed = SAMPLING_RANGES[name]
    lowest = allowed.low if allowed.minus_one is None else 0
    low: dict[str, Any] = {"gt" if allowed.low_open else "ge": lowest}
    return Field(
        default, le=allowed.high, description=f"{name} for requests that do not set it", **low
    )


def all_match(values: tuple[str, ...], form: re.Pattern[str], allowed: str) -> tuple[str, ...]:
    """Returns the values. Raises an error with the first that does not match the form."""
    for value in values:
        if not form.fullmatch(value):
            context = {"got": value, "error": allowed}
            raise PydanticCustomError("form", "a value of another form", context)
    return values
