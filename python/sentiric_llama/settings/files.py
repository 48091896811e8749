# SPDX-License-Identifier: AGPL-3.0-only
"""Settings in files: TOML of ours, `.env`, and the seed's `profiles.json`."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.layers import Given, Layer, layer_of_flags
from sentiric_llama.settings.table import FieldHelp

FILE_NAME = "sentiric-llama.toml"
SYSTEM_FILE = Path("/etc/sentiric-llama") / FILE_NAME

PROFILE_KEYS = {
    "model_id": "model_id",
    "filename": "model_filename",
    "context_size": "context_size",
    "gpu_layers": "gpu_layers",
    "temperature": "default_temperature",
    "repeat_penalty": "default_repeat_penalty",
    "top_p": "default_top_p",
    "top_k": "default_top_k",
    "default_max_tokens": "default_max_tokens",
    "max_batch_size": "contexts",
    "physical_batch_size": "physical_batch_size",
    "threads": "compute_threads",
    "threads_batch": "compute_threads_batch",
    "use_mmap": "use_mmap",
    "kv_offload": "kv_offload",
    "system_prompt": "default_system_prompt",
    "rag_prompt": "default_rag_prompt",
}
"""Key of a profile, or of its `templates` -> setting. Other keys are for people or clients."""


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


def find_profiles(path: str, model_dir: str) -> Path | None:
    """The file of profiles: where it was said to be, in the working folder or in MODEL_DIR."""
    if path:
        return Path(path).expanduser()
    places = [Path("profiles.json"), *([Path(model_dir) / "profiles.json"] if model_dir else [])]
    return next((place for place in places if place.is_file()), None)


def layer_of_profile(path: Path | None, name: str) -> Layer:
    """The named profile, or the file's active one. An empty layer without a file and a name."""
    if path is None:
        if name:
            raise InvalidArgument(f"profile {name}: no profiles.json was found", where="settings")
        return {}
    profiles, active = _read_profiles(path)
    wanted = name or active
    if not wanted:
        return {}
    if wanted not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise InvalidArgument(f"{path}: no profile {wanted}; it has {known}", where="settings")
    profile = profiles[wanted]
    values = {**profile, **profile.get("templates", {})}
    return {
        setting: Given(values[key], f"{key} of profile {wanted} in {path}", f"profile {wanted}")
        for key, setting in PROFILE_KEYS.items()
        if values.get(key) not in (None, "")
    }


def _read_profiles(path: Path) -> tuple[dict[str, dict[str, Any]], str]:
    try:
        found = json.loads(path.read_text("utf-8"))
        profiles = {str(key): dict(value) for key, value in found.get("profiles", {}).items()}
        return profiles, str(found.get("active_profile", ""))
    except OSError as error:
        raise InvalidArgument(f"cannot read {path}: {error.strerror}", where="settings") from None
    except (ValueError, TypeError, AttributeError):
        raise InvalidArgument(f"{path} holds no profiles", where="settings") from None
