# SPDX-License-Identifier: AGPL-3.0-only
"""What is known of a start before it listens: the one list for `serve`, `config check`, `doctor`.

Nothing here takes a port, asks the network for a model, loads one or writes a file.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sentiric_llama.errors import InvalidArgument, SentiricLlamaError
from sentiric_llama.models import check_local
from sentiric_llama.server.http_server import address_of, host_refusal
from sentiric_llama.settings.exposure import exposure_warnings
from sentiric_llama.settings.layers import name_in
from sentiric_llama.settings.load import Resolved, environment_warnings
from sentiric_llama.tls.setup import check_tls

Check = Callable[[Resolved], Iterable[str]]
"""Returns warnings; raises what the start would end with."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning, or the error that the start would end with."""

    part: str
    """settings, certificates or model."""
    text: str
    error: SentiricLlamaError | None = None


def known_before_listening(resolved: Resolved, part: str = "") -> Iterator[Remark]:
    """Every remark, or those on one part, in the order in which a start comes upon them."""
    for name, check in CHECKS:
        if part in ("", name):
            yield from _remarks(name, check, resolved)


def pass_or_raise(remarks: Iterable[Remark]) -> Iterator[Remark]:
    """The warnings up to the first error, which is raised."""
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
    """Variables that are old, without effect or mistyped."""
    return environment_warnings()


def _address(resolved: Resolved) -> Iterable[str]:
    """One of this machine's, and open to those alone who may be let in."""
    settings, name = resolved.settings, name_in(resolved.given, "host")
    family, address = address_of(settings.host, 0, name)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(address)
        except OSError as error:
            raise host_refusal(error, settings.host, name) from None
    return exposure_warnings(settings)


def _cache_types(resolved: Resolved) -> Iterable[str]:
    """`auto` has flash attention with a GPU only, which quantized values need."""
    from sentiric_llama.engine.memory import lacks_flash_attention

    settings, given = resolved.settings, resolved.given
    try:
        is_lacking = lacks_flash_attention(settings.cache_type_v, settings.flash_attention)
    except ImportError:  # no engine was built: doctor says so
        return ()
    if is_lacking:
        what = f"{name_in(given, 'cache_type_v')} {settings.cache_type_v} needs flash attention"
        switch = f"{name_in(given, 'flash_attention')} auto enables it on GPUs only: set it to on"
        raise InvalidArgument(f"{what}, but {switch}", where="settings")
    return ()


def _certificates(resolved: Resolved) -> Iterable[str]:
    return check_tls(resolved.settings)


def _model(resolved: Resolved) -> Iterable[str]:
    """Files of this machine are there and hold models. The hub is not asked."""
    check_local(resolved.settings)
    return ()


CHECKS: tuple[tuple[str, Check], ...] = (
    ("settings", _names),
    ("settings", _address),
    ("settings", _cache_types),
    ("certificates", _certificates),
    ("model", _model),
)
"""The part of the set-up that a check looks at, and the check."""
