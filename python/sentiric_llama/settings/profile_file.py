# SPDX-License-Identifier: AGPL-3.0-only
"""Reads `profiles.json`: named sets of settings, one of which is active."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.bounded_files import read_bounded
from sentiric_llama.host.plain_numbers import MAX_DIGITS
from sentiric_llama.host.printable import brief, printable_line, quoted
from sentiric_llama.host.spelling import nearest
from sentiric_llama.settings.layers import Given, Layer

FILE_NAME = "profiles.json"
WRITE_ONE = "write one with: sentiric-llama profile init"
EXAMPLE = Path(__file__).with_name("profiles.example.json")

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
"""Key of a profile, or of its `templates` -> setting."""
TEMPLATE_KEYS = ("system_prompt", "rag_prompt")
INFORMATIVE_KEYS = ("display_name", "description", "category", "enable_batching")
"""Keys for people and clients, without effect: requests are always batched."""

PUBLIC_KEYS = ("display_name", "category")
MAX_NAME = 128
MAX_LISTED = 20
"""Names or mistakes in one error."""

_PROFILE_NAMES = (*PROFILE_KEYS, *INFORMATIVE_KEYS, "templates")


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """The content of a file. A profile is validated when it is used."""

    path: Path
    raw: dict[str, Any]
    """The JSON object as written."""
    profiles: dict[str, dict[str, Any]]
    active: str
    """Name of the profile to start with, possibly empty."""

    def layer(self, name: str) -> Layer:
        """The settings of one profile. Raises InvalidArgument naming file, profile and key."""
        if name not in self.profiles:
            more = ", ..." if len(self.profiles) > MAX_LISTED else ""
            known = ", ".join(map(brief, sorted(self.profiles)[:MAX_LISTED])) + more or "none"
            what = f"{brief(self.path)}: no profile {brief(name)}; available: {known}"
            raise InvalidArgument(what, where="profile")
        profile = self.profiles[name]
        here = f"profile {brief(name)} in {brief(self.path)}"
        if wrong := list(islice(_wrong_keys(profile), MAX_LISTED)):
            raise InvalidArgument(f"{here}: " + "; ".join(wrong), where="profile")
        values = {**profile, **profile.get("templates", {})}
        return {
            setting: Given(values[key], f"{key} of {here}", f"profile {brief(name)}")
            for key, setting in PROFILE_KEYS.items()
            if values.get(key) not in (None, "")
        }


def public_profiles(raw: dict[str, Any], active: str) -> dict[str, Any]:
    """The profiles for callers who may only choose one: names, categories and models.

    Leaves out templates, numbers, paths and unknown keys.
    """
    profiles = raw.get("profiles")
    found = profiles if isinstance(profiles, dict) else {}
    return {
        "active_profile": _name(active),
        "profiles": {
            _name(key): _public_profile(value)
            for key, value in found.items()
            if isinstance(value, dict)
        },
    }


def _public_profile(profile: dict[str, Any]) -> dict[str, str]:
    shown = {key: _name(profile[key]) for key in PUBLIC_KEYS if isinstance(profile.get(key), str)}
    if isinstance(model := profile.get("model_id"), str) and model:
        shown["model_id"] = _name(_without_folders(model))
    return shown


def _without_folders(model: str) -> str:
    """Keeps org/repo; cuts a path or an address to its last part."""
    plain = re.fullmatch(r"[\w.-]+/[\w.-]+(?::[\w.-]+)?|[\w.:-]+", model)
    is_name = plain is not None and not model.startswith(".") and not model.endswith(".gguf")
    return model if is_name else re.split(r"[/\\]", model.partition("?")[0])[-1]


def _name(text: object) -> str:
    return printable_line(str(text))[:MAX_NAME]


def find_profiles(path: str, model_dir: str) -> Path | None:
    """The file of profiles: the configured one, else in the working folder or in MODEL_DIR."""
    if path:
        return Path(os.path.expanduser(path))
    folders = ["", *([os.path.expanduser(model_dir)] if model_dir else [])]
    places = [Path(folder) / FILE_NAME for folder in folders]
    return next((place for place in places if place.is_file()), None)


def read_profiles(path: Path) -> ProfileFile:
    """Reads the file. Raises InvalidArgument."""
    found = _parsed(path)
    try:
        profiles = {str(key): dict(value) for key, value in found.get("profiles", {}).items()}
        return ProfileFile(path, found, profiles, str(found.get("active_profile") or ""))
    except (ValueError, TypeError, AttributeError):
        raise InvalidArgument(f"{brief(path)} contains no profiles", where="profile") from None


def _parsed(path: Path) -> Any:
    """The JSON of a file. Raises InvalidArgument."""
    try:
        raw = read_bounded(path)
    except OSError as error:
        text = f"cannot read {brief(path)}: {error.strerror}"
        if isinstance(error, FileNotFoundError):
            text += f"; {WRITE_ONE}"
        raise InvalidArgument(text, where="profile") from None
    try:
        text = raw.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except UnicodeDecodeError:
        reason = "not UTF-8"
    except RecursionError:
        reason = "nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise InvalidArgument(f"{brief(path)} is not valid JSON: {reason}", where="profile")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a key that stands twice: only one of its values would count."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"duplicate key {quoted(key)}")
        found[key] = value
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits, allowed {MAX_DIGITS}")
    return int(digits)


def _wrong_keys(profile: dict[str, Any]) -> Iterator[str]:
    """One line per unknown key, with the likely intended one."""
    templates = profile.get("templates", {})
    if not isinstance(templates, dict):
        yield f"templates: got {type(templates).__name__}, allowed an object"
        return
    for prefix, keys, names in (
        ("", profile, _PROFILE_NAMES),
        ("templates.", templates, TEMPLATE_KEYS),
    ):
        for key in keys:
            if key not in names:
                near = nearest(key, names)
                hint = f"did you mean {near}?" if near else f"allowed: {', '.join(names)}"
                yield f"unknown key {prefix}{brief(key)}; {hint}"
