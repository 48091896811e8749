# SPDX-License-Identifier: AGPL-3.0-only
"""The one door to the process's environment: a test keeps every other module away from it."""

from __future__ import annotations

import os
from collections.abc import Mapping


def environ() -> Mapping[str, str]:
    """The variables as they are now."""
    return os.environ


def set_default_variable(name: str, value: str) -> None:
    """For libraries that listen to the environment alone; what a user set stays."""
    os.environ.setdefault(name, value)


def colours_wanted(variables: Mapping[str, str] | None = None) -> bool:
    """What the user told all programs about colours on a terminal."""
    variables = environ() if variables is None else variables
    return not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"


def traces_wanted(variables: Mapping[str, str] | None = None) -> bool:
    """True when OpenTelemetry's own variables say where spans go."""
    variables = environ() if variables is None else variables
    if variables.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(variables.get(name) for name in names)


def systemd_socket(variables: Mapping[str, str] | None = None) -> tuple[str, float]:
    """Where systemd listens ("" nowhere) and after how many seconds without a sign it restarts us.

    0 seconds is never.
    """
    variables = environ() if variables is None else variables
    for_us = variables.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
    watchdog = variables.get("WATCHDOG_USEC", "")
    seconds = int(watchdog) / 1e6 if for_us and watchdog.isdecimal() else 0.0
    return variables.get("NOTIFY_SOCKET", ""), seconds
