# SPDX-License-Identifier: AGPL-3.0-only
"""The gRPC server: its services, guard, limits and credentials."""

from __future__ import annotations

import asyncio
import logging

import grpc

from sentiric_llama.access.rights import Access, AccessCheck
from sentiric_llama.errors import Unavailable
from sentiric_llama.log.events import event
from sentiric_llama.rpc import engine_servicer, health, llama_servicer, reflection
from sentiric_llama.rpc.credentials import server_credentials
from sentiric_llama.rpc.guard import DeclaredMethods, Guard
from sentiric_llama.rpc.handlers import declared, generic_handler
from sentiric_llama.rpc.health import HealthServicer
from sentiric_llama.rpc.limits import REFLECTION_S, channel_options
from sentiric_llama.rpc.receive import ProbeReceiver, Receiver
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import PREFIX, Settings
from sentiric_llama.tls.setup import TlsSetup
from sentiric_llama.tls.store import IdentityStore

logger = logging.getLogger(__name__)

_REBIND_S = 0.05

NAMES = (llama_servicer.SERVICE.full_name, engine_servicer.SERVICE.full_name)


def build_server(
    service: LlamaService, settings: Settings, probes: HealthServicer
) -> grpc.aio.Server:
    """A server with all services, without a port. Call on the event loop."""
    most = settings.max_connections
    guard = Guard(
        AccessCheck(service.keys),
        settings.tls_allowed_names,
        most,
        only_ipv4=settings.host == "0.0.0.0",
    )
    server = grpc.aio.server(
        interceptors=[guard],
        options=channel_options(settings),
    )
    receiver = Receiver(service.bodies)
    llama, engine = llama_servicer.LlamaServicer(service), engine_servicer.EngineServicer(service)
    server.add_generic_rpc_handlers(
        (
            generic_handler(llama, llama_servicer.SERVICE, receiver),
            generic_handler(engine, engine_servicer.SERVICE, receiver),
            generic_handler(probes, health.SERVICE, ProbeReceiver()),
        )
    )
    names = (*NAMES, health.SERVICE.full_name, *reflection.SERVICES)
    server.add_generic_rpc_handlers(
        tuple(
            DeclaredMethods(handler, Access.USER, REFLECTION_S)
            for handler in reflection.reflection_handlers(names)
        )
    )
    return server


def declared_methods() -> dict[str, Access]:
    """The access that every method requires, for the documentation."""
    found = {f"{name}/*": Access.USER for name in reflection.SERVICES}
    for servicer, service in (
        (HealthServicer, health.SERVICE),
        (llama_servicer.LlamaServicer, llama_servicer.SERVICE),
        (engine_servicer.EngineServicer, engine_servicer.SERVICE),
    ):
        methods = declared(servicer, service)
        found |= {f"{service.full_name}/{name}": needs for name, needs in methods.items()}
    return found


class RpcServer:
    """Listens once constructed; answers from `start` to `stop`. Works on one event loop."""

    def __init__(self, service: LlamaService, settings: Settings, tls: TlsSetup) -> None:
        """Takes the port. Raises Unavailable with the reason and the setting to change."""
        self._service = service
        self._settings = settings
        self._identity = tls.grpc
        self._health = HealthServicer(service, NAMES)
        self._server, self.port = self._build(settings.grpc_port)
        self._watching: asyncio.Task[None] | None = None
        self.is_secure = tls.grpc is not None
        self.url = f"{'grpcs' if self.is_secure else 'grpc'}://{settings.host}:{self.port}"

    async def start(self) -> None:
        await self._server.start()
        self._watching = asyncio.create_task(self._watch())
        event(logger, "GRPC_SERVER_READY", self.url)

    async def stop(self, grace_s: float) -> None:
        """Refuses new calls, and cancels those that still run after `grace_s` seconds."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait((self._watching,))
        self._health.end_watches()
        await self._server.stop(grace_s)

    def _build(self, port: int) -> tuple[grpc.aio.Server, int]:
        server = build_server(self._service, self._settings, self._health)
        return server, listen(server, self._settings, self._identity, port)

    async def _watch(self) -> None:
        """Starts a new server if gRPC's ends by itself, as it does on internal errors."""
        while True:
            ended = asyncio.ensure_future(self._server.wait_for_termination())
            await asyncio.wait((ended,))  # does not pass a cancel on to gRPC's future
            ended.exception()  # marked as retrieved; gRPC has logged it
            event(logger, "GRPC_SERVER_RESTARTED", "gRPC's server ended", logging.ERROR)
            await self._server.stop(0)
            while True:
                try:
                    self._server, _ = self._build(self.port)
                    break
                except Unavailable:  # the old server still has the port
                    await asyncio.sleep(_REBIND_S)
            await self._server.start()


def listen(
    server: grpc.aio.Server, settings: Settings, identity: IdentityStore | None, number: int
) -> int:
    """Takes the port, with TLS if there is an identity. Returns its number.

    Raises Unavailable with the setting to change.
    """
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{number}"
    port = 0
    try:
        if identity is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, server_credentials(identity))
    except RuntimeError:
        pass
    if port == 0:
        raise Unavailable(
            f"cannot listen on {address} for gRPC; is another process there? "
            f"choose another with {PREFIX}HOST or {PREFIX}GRPC_PORT",
            where="serve",
        )
    return port
