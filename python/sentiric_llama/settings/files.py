# SPDX-License-Identifier: AGPL-3.0-only
"""Settings in files: our TOML file and `.env`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.bounded_files import read_bounded
from sentiric_llama.host.printable import brief
from sentiric_llama.settings.layers import Given, Layer, layer_of_flags
from sentiric_llama.settings.names import unknown_setting
from sentiric_llama.settings.table import FieldHelp

ENV_FILE = ".env"
FILE_NAME = "sentiric-llama.toml"
SYSTEM_FILE = Path("/etc/sentiric-llama") / FILE_NAME


def find_file(asked: str, environ: Mapping[str, str]) -> Path | None:
    """The requested file, or the first that exists in the working folder, home or system."""
    if asked:
        return Path(os.path.expanduser(asked))
    home = environ.get("XDG_CONFIG_HOME") or (Path(environ.get("HOME", "/")) / ".config")
    places = (Path(FILE_NAME), Path(home) / "sentiric-llama" / FILE_NAME, SYSTEM_FILE)
    return next((place for place in places if place.is_file()), None)


def layer_of_file(fields: Iterable[FieldHelp], path: Path) -> Layer:
    """The settings of a TOML file, by their names. Refuses unknown keys."""
    try:
        raw = read_bounded(path)
    except OSError as error:
        text = f"cannot read {brief(path)}: {error.strerror}"
        raise InvalidArgument(text, where="settings") from None
    import tomllib  # late, as dotenv below: most servers have no file

    try:
        values = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError: also a number of 5000 digits
        text = f"{brief(path)} is not valid TOML: {brief(error)}"
        raise InvalidArgument(text, where="settings") from None
    fields = list(fields)
    names = {field.name for field in fields}
    names |= {f"{field.name}_file" for field in fields if field.is_secret}
    if unknown := [unknown_setting(key, names) for key in values if key not in names]:
        raise InvalidArgument(f"{brief(path)}: " + "; ".join(unknown), where="settings")
    origin = f"file {path}"
    return {
        name: Given(given.value, f"{name} in {path}", origin)
        for name, given in layer_of_flags(fields, values).items()
    }


def read_dotenv() -> dict[str, str]:
    """The variables of `.env` in the working folder; {} without that file."""
    try:
        if not os.path.lexists(ENV_FILE) or os.path.isdir(ENV_FILE):  # a virtual environment
            return {}
        from dotenv import dotenv_values

        text = io.StringIO(read_bounded(ENV_FILE).decode("utf-8"))
        return {name: value for name, value in dotenv_values(stream=text).items() if value}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InvalidArgument(f"cannot read .env: {reason}", where="settings") from None
