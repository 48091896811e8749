# SPDX-License-Identifier: AGPL-3.0-only
"""Loads the settings from all sources: flags, variables, files and profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.environment import environ as process_environ
from sentiric_llama.host.printable import brief, quoted
from sentiric_llama.settings import files
from sentiric_llama.settings.combinations import conflicts
from sentiric_llama.settings.config import Settings, describe_fields
from sentiric_llama.settings.layers import (
    Given,
    Layer,
    layer_of_flags,
    layer_of_variables,
    merge,
    text_in,
    values_of,
)
from sentiric_llama.settings.names import (
    CONFIG_VARIABLE,
    name_warnings,
    set_variables,
    unknown_setting,
)
from sentiric_llama.settings.profile_file import WRITE_ONE, find_profiles, read_profiles
from sentiric_llama.settings.table import FieldHelp


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and the source of each one that was set."""

    settings: Settings
    given: Layer
    above: Layer = field(default_factory=dict)
    """The values that win over every profile: flags, variables, file."""


def load_settings(config_file: str = "", /, **overrides: Any) -> Settings:
    """Settings from all sources; `overrides` win. See `settings/layers.py` for the order.

    `config_file` is a TOML file; "" uses the variable CONFIG or the usual places. Raises
    InvalidArgument naming every bad value, what was got and what is allowed.
    """
    return resolve_settings(config_file, **overrides).settings


def resolve_settings(config_file: str = "", /, **overrides: Any) -> Resolved:
    """As `load_settings`, with the source of each setting."""
    above = _without_profiles(config_file, overrides)
    given = merge([above, _profile_layer(above)])
    return Resolved(settings_from(given), given, above)


def resolve_part(names: Iterable[str], config_file: str = "", /, **overrides: Any) -> Resolved:
    """Loads only some settings, even if others are invalid. Reads no profile.

    For clients of a server that was started with the same sources.
    """
    above = _without_profiles(config_file, overrides)
    given = {name: above[name] for name in names if name in above}
    return Resolved(settings_from(given), given, above)


def _without_profiles(config_file: str, overrides: Mapping[str, Any]) -> Layer:
    fields = describe_fields()
    _refuse_unknown(overrides, fields)
    environ = process_environ()
    dotenv = files.read_dotenv()
    layers = [
        layer_of_flags(fields, overrides),
        layer_of_variables(fields, environ, "environment"),
        layer_of_variables(fields, dotenv, ".env"),
    ]
    variables = {**dotenv, **environ}
    if path := files.find_file(config_file or variables.get(CONFIG_VARIABLE, ""), variables):
        layers.append(files.layer_of_file(fields, path))
    return merge(layers)


def settings_from(given: Layer) -> Settings:
    """Validates settings. Raises InvalidArgument naming every bad value where it was set."""
    try:
        settings = Settings.model_validate(values_of(given))
    except ValidationError as error:
        by_name = {field.name: field for field in describe_fields()}
        problems = [_explain(by_name[str(item["loc"][0])], given, item) for item in error.errors()]
        raise InvalidArgument("; ".join(dict.fromkeys(problems)), where="settings") from None
    if found := list(conflicts(settings, given)):
        raise InvalidArgument("; ".join(found), where="settings")
    return settings


def environment_warnings(environ: Mapping[str, str] | None = None) -> list[str]:
    """One line per variable that is deprecated, has no effect or looks mistyped."""
    if environ is None:
        environ = {**files.read_dotenv(), **process_environ()}
    return name_warnings(describe_fields(), set_variables(environ))


def _profile_layer(above: Layer) -> Layer:
    """The named profile or the file's active one; {} without a file and a name."""
    name = text_in(above, "profile")
    path = find_profiles(text_in(above, "profiles_path"), text_in(above, "model_dir"))
    if path is None:
        if name:
            text = f"profile {brief(name)}: there is no profiles.json; {WRITE_ONE}"
            raise InvalidArgument(text, where="settings")
        return {}
    file = read_profiles(path)
    if not name and not file.active:
        return {}
    active = Given(file.active, f"active_profile in {path}", f"file {path}")
    return file.layer(name or file.active) | {"profile": active}


def _refuse_unknown(overrides: Mapping[str, Any], fields: list[FieldHelp]) -> None:
    names = {field.name for field in fields}
    names |= {f"{field.name}_file" for field in fields if field.is_secret}
    for name in overrides.keys() - names:
        raise InvalidArgument(unknown_setting(name, names), where="settings")


def _explain(field: FieldHelp, given: Layer, problem: Mapping[str, Any]) -> str:
    """The line on one bad value: its name where it was set, what was got, what is allowed."""
    item = given.get(field.name, Given(None, field.flag, ""))
    context = problem.get("ctx", {})
    shown = "(hidden)" if field.is_secret else quoted(context.get("got", item.value))
    unit = f" ({field.unit})" if field.unit else ""
    allowed = context.get("error", f"{field.allowed}{unit}")
    return f"{item.key}: got {shown}, allowed {allowed}"
