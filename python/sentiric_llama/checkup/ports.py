# SPDX-License-Identifier: AGPL-3.0-only
"""The ports of a start: free, or taken by whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sentiric_llama.checkup.finding import Finding, ok, problem
from sentiric_llama.client.configured import ConfiguredServer, Flags
from sentiric_llama.errors import (
    DeadlineExceeded,
    InvalidArgument,
    NotSupported,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.host.product import SERVICE_NAME
from sentiric_llama.server.listening import bind
from sentiric_llama.settings.combinations import PORTS
from sentiric_llama.settings.layers import name_in
from sentiric_llama.settings.load import Resolved

_ANSWER_S = 2.0
FIX = "stop the other process, or choose another port: --{flag} 0 picks a free one"


def check_ports(resolved: Resolved) -> Iterator[Finding]:
    """A port that this very service holds is no fault: it runs."""
    settings = resolved.settings
    names = [name for name in PORTS if name != "metrics_port" or settings.metrics_enabled]
    for name in filter(lambda name: getattr(settings, name), names):
        shown = {"host": settings.host, "port": getattr(settings, name), "name": name}
        keys = (name_in(resolved.given, key) for key in ("host", name))
        try:
            bind(settings.host, shown["port"], *keys).close()
        except InvalidArgument:
            return  # the host: said by the check of the settings
        except SentiricLlamaError as error:
            if is_ours(resolved, name):
                yield ok(
                    "ports", "{host}:{port} is in use by this running service ({name})", **shown
                )
            else:
                flag = name.replace("_", "-")
                yield problem("ports", error.code, "{reason}", FIX, reason=error.what, flag=flag)
        else:
            yield ok("ports", "{host}:{port} is free ({name})", **shown)


def is_ours(resolved: Resolved, name: str) -> bool:
    """True when the port is answered by a server of this kind."""
    if name == "grpc_port":
        return _is_our_grpc(resolved)
    server = ConfiguredServer(resolved).http(_ANSWER_S)
    try:
        body = server.get("/health").body
        is_served = isinstance(body, dict) and body.get("service") == SERVICE_NAME
        if name == "http_port" or not is_served:
            return is_served
        address = server.url.rpartition(":")[0]
        metrics = replace(server, url=f"{address}:{resolved.settings.metrics_port}")
        return metrics.get("/metrics").status in (200, 401, 403)
    except SentiricLlamaError:
        return False


def _is_our_grpc(resolved: Resolved) -> bool:
    configured = ConfiguredServer(resolved)
    flags = Flags(grpc_endpoint=f"{configured.address}:{resolved.settings.grpc_port}")
    server = ConfiguredServer(resolved, flags).grpc(_ANSWER_S)
    try:
        return server is not None and bool(server.capacity())
    except (Unavailable, NotSupported, DeadlineExceeded):
        return False
    except SentiricLlamaError:  # it wants a key that we do not have
        return True
