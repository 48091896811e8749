# SPDX-License-Identifier: AGPL-3.0-only
"""Warnings about variables that are deprecated, have no effect or look mistyped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sentiric_llama.host.printable import brief
from sentiric_llama.host.product import PREFIX as PREFIX
from sentiric_llama.host.spelling import nearest
from sentiric_llama.settings.table import FieldHelp

CONFIG_VARIABLE = f"{PREFIX}CONFIG"

DEPRECATED = {
    "THREADS": (
        "CONTEXTS",
        ": it is the number of requests that run at the same time, not of CPU threads",
    ),
    "MAX_BATCH_SIZE": ("CONTEXTS", ""),
    "THREADS_BATCH": ("COMPUTE_THREADS_BATCH", ""),
}
"""Old name -> new name and reason, without the prefix. The old name keeps working."""

RETIRED = {
    "HTTP_THREADS": f"one event loop serves every connection; {PREFIX}MAX_CONNECTIONS limits them",
    "ENABLE_BATCHING": "requests are always computed together",
    "BATCH_TIMEOUT_MS": "requests join at any step, none waits for others",
    "NUMA": "start the service under numactl instead",
}
"""Settings of the first service without effect -> what replaces them."""


GUARDS = (
    *("API_KEY", "API_KEYS", "ADMIN_KEY", "METRICS_KEY", "KEYS_FILE"),
    *("ALLOWED_HOSTS", "REQUIRE_TENANT"),
)
"""Settings that restrict access. Without the prefix they have no effect, which needs a warning."""


def name_warnings(fields: Iterable[FieldHelp], variables: Iterable[str]) -> list[str]:
    """One line per variable that is set but is not an ordinary setting."""
    known, given = known_names(fields), sorted(variables)
    lines = [_warning(name, known) for name in given if name.startswith(PREFIX)]
    guards = {name + ending for name in GUARDS for ending in ("", "_FILE")}
    lines += [
        f"{name} is not read; the setting is {PREFIX}{name}"
        for name in given
        if name in guards and PREFIX + name in known and PREFIX + name not in given
    ]
    return [line for line in lines if line]


def known_names(fields: Iterable[FieldHelp]) -> set[str]:
    """Every variable that is read."""
    names = {CONFIG_VARIABLE}
    for field in fields:
        names |= set(field.env)
        names |= {f"{env}_FILE" for env in field.env if field.is_secret}
    return names


def _warning(name: str, known: set[str]) -> str:
    short = name.removeprefix(PREFIX)
    if short in DEPRECATED:
        new, why = DEPRECATED[short]
        return f"{name} is deprecated, use {PREFIX}{new}{why}"
    if name in known:
        return ""
    if short in RETIRED:
        return f"{name} has no effect: {RETIRED[short]}"
    endings = {item.removeprefix(PREFIX): item for item in known}
    near = nearest(short, endings)
    return f"{brief(name)} is an unknown setting" + (
        f"; did you mean {endings[near]}?" if near else ""
    )


def unknown_setting(name: str, known: Iterable[str]) -> str:
    """What is said of a name that no setting has, with the nearest that one has."""
    near = nearest(name, known)
    return f"unknown setting {brief(name)}" + (f"; did you mean {near}?" if near else "")


def set_variables(environ: Mapping[str, str]) -> list[str]:
    """The names of all non-empty variables."""
    return [name.upper() for name, value in environ.items() if value]
