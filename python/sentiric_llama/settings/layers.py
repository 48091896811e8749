# SPDX-License-Identifier: AGPL-3.0-only
"""Layers of settings, each with the values of one source and where they were set.

flags > environment > `.env` > file > profile > built-in defaults. The first that sets a name wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.bounded_files import read_bounded
from sentiric_llama.host.printable import brief
from sentiric_llama.settings.table import FieldHelp
from sentiric_llama.settings.units import plain_value

MODEL_CHOICE = frozenset({"model_id", "model_path", "model_filename"})
_MAX_SECRET_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written, the name under which it was set and the source."""

    value: object
    key: str
    origin: str


Layer = dict[str, Given]
"""Name of a setting -> its value in this layer."""


def merge(layers: Iterable[Layer]) -> Layer:
    """Merges layers; the first wins. One that chooses a model hides lower choices of a model."""
    merged: Layer = {}
    for layer in layers:
        chosen = not {"model_id", "model_path"}.isdisjoint(merged)
        hidden = MODEL_CHOICE if chosen else frozenset()
        for name, given in layer.items():
            if name not in hidden:
                merged.setdefault(name, given)
    return merged


def values_of(layer: Layer) -> dict[str, object]:
    """The values for the settings class; strings with units become numbers."""
    return {name: plain_value(name, given.value) for name, given in layer.items()}


def name_in(layer: Layer, name: str) -> str:
    """The name under which a setting was set; its flag if it has its default."""
    return layer[name].key if name in layer else "--" + name.replace("_", "-")


def text_in(layer: Layer, name: str) -> str:
    """The value of a setting in a layer as a string; "" without one."""
    return str(layer[name].value) if name in layer else ""


def layer_of_flags(fields: Iterable[FieldHelp], values: Mapping[str, object]) -> Layer:
    """Flags of the command line, or keyword arguments of a caller."""
    layer: Layer = {}
    for field in fields:
        if field.name in values:
            layer[field.name] = Given(values[field.name], field.flag, "flag")
        path = values.get(f"{field.name}_file") if field.is_secret else None
        if path is not None:
            _add_secret(layer, field, f"{field.flag}-file", str(path), "flag")
    return layer


def layer_of_variables(
    fields: Iterable[FieldHelp], variables: Mapping[str, str], origin: str
) -> Layer:
    """The environment or a `.env` file. An empty variable counts as not set."""
    upper = {name.upper(): value for name, value in variables.items() if value}
    if "/" in upper.get("ENV", ""):  # the startup file of a POSIX shell, not our setting
        del upper["ENV"]
    layer: Layer = {}
    for field in fields:
        name = next((name for name in field.env if name in upper), None)
        if name is not None:
            layer[field.name] = Given(upper[name], name, origin)
        for variable in (f"{env}_FILE" for env in field.env if field.is_secret):
            if variable in upper:
                _add_secret(layer, field, variable, upper[variable], origin)
    return layer


def _add_secret(layer: Layer, field: FieldHelp, key: str, path: str, origin: str) -> None:
    """Adds a secret from a file, as orchestrators provide them."""
    if field.name in layer:
        both = f"{key} and {layer[field.name].key}"
        raise InvalidArgument(f"{both} are mutually exclusive", where="settings")
    shown = brief(Path(path))
    try:
        text = read_bounded(path, _MAX_SECRET_BYTES, may_be_pipe=True).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        told = f"{key}: cannot read {shown}: {reason}"
        raise InvalidArgument(told, where="settings") from None
    if not text:
        raise InvalidArgument(f"{key}: {shown} is empty", where="settings")
    layer[field.name] = Given(text, key, origin)
