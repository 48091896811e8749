# SPDX-License-Identifier: AGPL-3.0-only
"""Settings in files: TOML of ours, and `.env`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.layers import Given, Layer, layer_of_flags
from sentiric_llama.settings.table import FieldHelp

FILE_NAME = "sentiric-llama.toml"
SYSTEM_FILE = Path("/etc/sentiric-llama") / FILE_NAME


def find_file(asked: str, environ: Mapping[str, str]) -> Path | None:
    """The file that was asked for, or the first that is there: working folder, home, system."""
    if asked:
        return Path(asked).expanduser()
    home = environ.get("XDG_CONFIG_HOME") or (Path(environ.get("HOME", "/")) / ".config")
    places = (Path(FILE_NAME), Path(home) / "sentiric-llama" / FILE_NAME, SYSTEM_FILE)
    return next((place for place in places if place.is_file()), None)


def layer_of_file(fields: Iterable[FieldHelp], path: Path) -> Layer:
    """A TOML file; keys are the names of the settings. Unknown ones are refused."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidArgument(f"cannot read {path}: {error.strerror}", where="settings") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{path} is no TOML: {error}", where="settings") from None
    fields = list(fields)
    names = {field.name for field in fields}
    names |= {f"{field.name}_file" for field in fields if field.is_secret}
    if unknown := [_unknown(key, names) for key in values if key not in names]:
        raise InvalidArgument(f"{path}: " + "; ".join(unknown), where="settings")
    origin = f"file {path}"
    return {
        name: Given(given.value, f"{name} in {path}", origin)
        for name, given in layer_of_flags(fields, values).items()
    }


def _unknown(key: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    return f"{key} is no setting" + (f", did you mean {near[0]}?" if near else "")


def read_dotenv() -> dict[str, str]:
    """The variables of `.env` in the working folder; none when there is no such file."""
    return {name: value for name, value in dotenv_values(".env").items() if value}
