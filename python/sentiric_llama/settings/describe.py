# SPDX-License-Identifier: AGPL-3.0-only
"""Derives the table of settings from the settings class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo

from sentiric_llama.settings.table import FieldHelp
from sentiric_llama.settings.units import unit_of


def describe(kind: type[BaseModel], prefix: str, sections: Mapping[str, str]) -> list[FieldHelp]:
    """One row per field of `kind`. `sections` maps the first field of a section to its title."""
    rows: list[FieldHelp] = []
    section = ""
    for name, info in kind.model_fields.items():
        section = sections.get(name, section)
        rows.append(_row(name, info, prefix, section))
    return rows


def _row(name: str, info: FieldInfo, prefix: str, section: str) -> FieldHelp:
    if isinstance(info.validation_alias, AliasChoices):
        env = tuple(str(choice) for choice in info.validation_alias.choices)
    else:
        env = (prefix + name.upper(),)
    return FieldHelp(
        name=name,
        env=env,
        default=list(info.default) if isinstance(info.default, tuple) else info.default,
        allowed=_allowed(info),
        help=info.description or "",
        section=section,
        unit=unit_of(name),
        is_bool=info.annotation is bool,
        is_secret=SecretStr in _members(info.annotation),
    )


def _allowed(info: FieldInfo) -> str:
    kinds = [kind for kind in _members(info.annotation) if kind is not type(None)]
    literals = [choice for kind in kinds for choice in get_args(kind) if isinstance(choice, str)]
    if literals:
        return " | ".join(literals)
    if bool in kinds:
        return "true | false"
    word = "an integer" if int in kinds else "a number" if float in kinds else "text"
    return f"{word} {_bounds(info.metadata)}".strip()


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _bounds(metadata: Iterable[Any]) -> str:
    found = {
        key: getattr(item, key)
        for item in metadata
        for key in ("ge", "gt", "le")
        if getattr(item, key, None) is not None
    }
    if not found:
        return ""
    low = f"above {found['gt']}" if "gt" in found else str(found.get("ge", ""))
    return f"{low}..{found.get('le', '')}"
