# SPDX-License-Identifier: AGPL-3.0-only
"""The only module that reads the process's environment, as a test proves."""

from __future__ import annotations

import os
from collections.abc import Mapping


def environ() -> Mapping[str, str]:
    """The current environment variables."""
    return os.environ


def set_default_variable(name: str, value: str) -> None:
    """Sets a variable for a library that only reads the environment, unless the user set it."""
    os.environ.setdefault(name, value)


def colours_wanted(variables: Mapping[str, str] | None = None) -> bool:
    """False if the user turned colours off with NO_COLOR or TERM=dumb."""
    variables = environ() if variables is None else variables
    return not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"


def traces_wanted(variables: Mapping[str, str] | None = None) -> bool:
    """True if OpenTelemetry's own variables say where spans go."""
    variables = environ() if variables is None else variables
    if variables.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(variables.get(name) for name in names)


def systemd_socket(variables: Mapping[str, str] | None = None) -> tuple[str, float]:
    """systemd's notification socket ("" without one) and its watchdog time in seconds (0: none)."""
    variables = environ() if variables is None else variables
    for_us = variables.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
    watchdog = variables.get("WATCHDOG_USEC", "")
    seconds = int(watchdog) / 1e6 if for_us and watchdog.isdecimal() else 0.0
    return variables.get("NOTIFY_SOCKET", ""), seconds


def engine_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What an engine process may know: variables of its libraries, no setting and no secret."""
    variables = environ() if variables is None else variables
    kept = {
        name: value
        for name, value in variables.items()
        if name in _FOR_ENGINES or name.startswith(_FAMILIES_FOR_ENGINES)
    }
    # llama.cpp would start a debugger to print where it failed, which takes a second.
    return kept | {"GGML_NO_BACKTRACE": "1"}


_FOR_ENGINES = frozenset(
    ("PATH", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "GLIBC_TUNABLES")
)
_FAMILIES_FOR_ENGINES = (
    *("SENTIRIC_", "GGML_", "LLAMA_", "OMP_", "GOMP_", "KMP_", "MALLOC_", "LC_"),
    *("CUDA_", "NVIDIA_", "ASAN_", "UBSAN_", "TSAN_", "LSAN_"),
)
