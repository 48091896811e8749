# SPDX-License-Identifier: AGPL-3.0-only
"""What surrounds the service: settings, certificates, limits of the system, the model cache."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sentiric_llama.checkup.finding import Finding, ok, problem, warning
from sentiric_llama.host.environment import environ
from sentiric_llama.host.process import SPARE_FILES
from sentiric_llama.host.sizes import human_bytes
from sentiric_llama.server.preflight import Remark, known_before_listening
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.layers import MODEL_CHOICE, Layer
from sentiric_llama.settings.load import Resolved

LOW_DISK_BYTES = 5 * 2**30


def check_settings(resolved: Resolved) -> Iterator[Finding]:
    found = of_a_start(resolved, "settings")
    yield from found
    if not found:
        yield _number_set(resolved.given)


def _number_set(given: Layer) -> Finding:
    """What the user set. MODEL is no setting to them, though it replaces three."""
    is_model = {name for name in MODEL_CHOICE if name in given and given[name].origin == "flag"}
    count = len(given.keys() - is_model)
    if not count:
        return ok("settings", "all settings have their defaults")
    if count == 1:
        return ok("settings", "one setting is set, the others have their defaults")
    text = "{count} settings are set, the others have their defaults"
    return ok("settings", text, count=count)


def check_certificates(resolved: Resolved) -> Iterator[Finding]:
    """Whole sets that can be read. The self-signed one of `tls=auto` is made by a start alone."""
    found = of_a_start(resolved, "certificates")
    yield from found
    if not found:
        yield ok("certificates", certificates_in_use(resolved.settings))


def certificates_in_use(settings: Settings) -> str:
    if settings.tls == "auto":
        return "HTTPS with a self-signed certificate"
    if settings.cert_path:
        return "the certificates are complete and readable"
    return "no certificates: connections are not encrypted"


def of_a_start(resolved: Resolved, part: str) -> list[Finding]:
    """What a start would end with, and then what it would warn of."""
    found = [_finding(remark) for remark in known_before_listening(resolved, part)]
    return sorted(found, key=lambda item: item.level, reverse=True)


def _finding(remark: Remark) -> Finding:
    if remark.error is None:
        return warning(remark.part, "{reason}", reason=remark.text)
    return problem(remark.part, remark.error.code, "{reason}", reason=remark.text)


def check_limits(resolved: Resolved) -> Iterator[Finding]:
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)  # `serve` raises its own limit to it
    wanted = resolved.settings.max_connections + SPARE_FILES
    if files != resource.RLIM_INFINITY and files < wanted:
        text = "{files} open files are allowed, all connections may need {wanted}"
        fix = "ulimit -n {wanted}, LimitNOFILE of systemd, or fewer --max-connections"
        yield warning("limits", text, fix, files=files, wanted=wanted)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = resolved.settings.compute_threads
    if threads > (allowed or 1):
        text = "{threads} compute threads share {allowed} CPUs and slow each other down"
        yield warning("limits", text, "--compute-threads 0", threads=threads, allowed=allowed)
    else:
        text = "{allowed} CPUs and {files} open files"
        yield ok("limits", text, allowed=allowed, files=files)


def check_hub(_: Resolved) -> Iterator[Finding]:
    """Variables of huggingface_hub and the room in its cache."""
    variables = environ()
    endpoint = variables.get("HF_ENDPOINT", "")
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        text = "HF_ENDPOINT={endpoint} is not a URL"
        yield warning("hub", text, "use a URL such as https://host", endpoint=endpoint)
    if variables.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        yield warning("hub", "HF_HUB_OFFLINE is set: only cached models can be used")
    yield ok("hub", "HF_TOKEN is set" if variables.get("HF_TOKEN") else "HF_TOKEN is not set")
    yield from _room(cache_folder())


def cache_folder() -> Path:
    """Where huggingface_hub keeps models."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _room(folder: Path) -> Iterator[Finding]:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    shown = human_bytes(free)
    if not os.access(there, os.W_OK | os.X_OK):
        text = "models cannot be stored in {folder}: no permission to write"
        yield warning(
            "disk", text, "set HF_HOME to a directory that you can write to", folder=folder
        )
    elif free < LOW_DISK_BYTES:
        text = "only {free} left for models in {folder}"
        yield warning("disk", text, "free some space, or set HF_HOME", free=shown, folder=folder)
    else:
        yield ok("disk", "{free} for models in {folder}", free=shown, folder=folder)
