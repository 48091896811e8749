# SPDX-License-Identifier: AGPL-3.0-only
"""The checks before a start, shared by `serve`, `config check` and `doctor`.

They bind no port, ask no network, load no model and write no file.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.errors import InvalidArgument, SentiricLlamaError
from sentiric_llama.host.printable import brief, quoted
from sentiric_llama.host.private_files import private_folder_fault
from sentiric_llama.models import check_local
from sentiric_llama.server.listening import address_of, host_refusal
from sentiric_llama.settings.exposure import exposure_warnings
from sentiric_llama.settings.layers import name_in
from sentiric_llama.settings.load import Resolved, environment_warnings
from sentiric_llama.tls.setup import check_tls

Check = Callable[[Resolved], Iterable[str]]
"""Returns warnings. Raises the error with which the start would fail."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning, or the error with which the start would fail."""

    part: str
    """settings, certificates or model."""
    text: str
    error: SentiricLlamaError | None = None


def known_before_listening(resolved: Resolved, part: str = "") -> Iterator[Remark]:
    """All remarks, or those on one part, in the order in which a start meets them."""
    for name, check in CHECKS:
        if part in ("", name):
            yield from _remarks(name, check, resolved)


def pass_or_raise(remarks: Iterable[Remark]) -> Iterator[Remark]:
    """Yields warnings and raises the first error."""
    for remark in remarks:
        if remark.error is not None:
            raise remark.error
        yield remark


def _remarks(part: str, check: Check, resolved: Resolved) -> Iterator[Remark]:
    try:
        yield from [Remark(part, line) for line in check(resolved)]
    except SentiricLlamaError as error:
        yield Remark(part, error.what, error)


def _names(_: Resolved) -> Iterable[str]:
    """Warns of variables that are deprecated, without effect or mistyped."""
    return environment_warnings()


def _address(resolved: Resolved) -> Iterable[str]:
    """Checks that the host belongs to this machine and is not open to anyone by accident."""
    settings, name = resolved.settings, name_in(resolved.given, "host")
    family, address = address_of(settings.host, 0, name)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(address)
        except OSError as error:
            raise host_refusal(error, settings.host, name) from None
    return exposure_warnings(settings)


def _cache_types(resolved: Resolved) -> Iterable[str]:
    """A quantized V cache needs flash attention, which `auto` enables on GPUs only."""
    from sentiric_llama.engine.memory.plan import lacks_flash_attention

    settings, given = resolved.settings, resolved.given
    try:
        is_lacking = lacks_flash_attention(settings.cache_type_v, settings.flash_attention)
    except ImportError:  # the engine is not built, which doctor reports
        return ()
    if is_lacking:
        what = f"{name_in(given, 'cache_type_v')} {settings.cache_type_v} needs flash attention"
        switch = f"{name_in(given, 'flash_attention')} auto enables it on GPUs only: set it to on"
        raise InvalidArgument(f"{what}, but {switch}", where="settings")
    return ()


def _folders(resolved: Resolved) -> Iterable[str]:
    """Refuses adapters in what is no folder; a cache on disk that cannot be used stays off."""
    settings, given = resolved.settings, resolved.given
    if settings.lora_dir and not os.path.isdir(settings.lora_dir):
        what = f"{name_in(given, 'lora_dir')}: got {quoted(settings.lora_dir)}"
        raise InvalidArgument(f"{what}, allowed a directory that exists", where="settings")
    if settings.disk_cache_dir and settings.disk_cache_bytes and settings.prefix_cache:
        folder = Path(settings.disk_cache_dir) / "kv-states"
        if fault := private_folder_fault(folder):
            name = name_in(given, "disk_cache_dir")
            yield f"{name}: {brief(folder)} {fault}; the disk cache stays off"


def _certificates(resolved: Resolved) -> Iterable[str]:
    return check_tls(resolved.settings)


def _model(resolved: Resolved) -> Iterable[str]:
    """Checks local model files. Does not ask the hub."""
    check_local(resolved.settings)
    return ()


CHECKS: tuple[tuple[str, Check], ...] = (
    ("settings", _names),
    ("settings", _address),
    ("settings", _cache_types),
    ("settings", _folders),
    ("certificates", _certificates),
    ("model", _model),
)
"""Part of the set-up -> its check."""
