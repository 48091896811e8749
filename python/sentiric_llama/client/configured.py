# SPDX-License-Identifier: AGPL-3.0-only
"""The server that a command means, out of flags, environment, `.env` and TOML file as for `serve`.

A server that was configured need not be described again: where it listens, which certificate it
has, which key it wants. Another address gets only what was given for it: the flags, and API_KEY.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sentiric_llama.client.grpc_server import GrpcServer
from sentiric_llama.client.server import Server, checked_url
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.exposure import admin_key, caller_key, user_key
from sentiric_llama.settings.layers import name_in
from sentiric_llama.settings.load import Resolved, resolve_part
from sentiric_llama.tls.identity import self_signed_in
from sentiric_llama.tls.trust import Trust

NAMES = (
    *("host", "http_port", "grpc_port", "api_key", "api_keys", "admin_key", "metrics_key"),
    *("tls", "tls_dir", "cert_path", "key_path", "grpc_tls_ca_path"),
)
"""Settings that say how a server is reached."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERY_INTERFACE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says of the server; empty for what it leaves out."""

    url: str = ""
    grpc_endpoint: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


NO_FLAGS = Flags()


def configured(flags: Flags, config_file: str = "", **overrides: Any) -> ConfiguredServer:
    """The server that all sources describe; `overrides` are settings that were flags: keys."""
    return ConfiguredServer(resolve_part(NAMES, config_file, **overrides), flags)


class ConfiguredServer:
    """A server as settings and flags describe it. Raises InvalidArgument."""

    def __init__(self, resolved: Resolved, flags: Flags = NO_FLAGS) -> None:
        self._flags = flags
        self._resolved = resolved
        Trust(flags.ca_file, flags.cert_file, flags.key_file).check()

    @cached_property
    def url(self) -> str:
        """Where it answers over HTTP."""
        if self._flags.url:
            return checked_url(self._flags.url, self._scheme_of(self._flags.url))
        if not self._settings.http_port:
            name = name_in(self._resolved.given, "http_port")
            text = f"{name} is 0, so the server took any free port: name its address with --url"
            raise InvalidArgument(text, where="server")
        return f"{self._scheme}://{self.address}:{self._settings.http_port}"

    @property
    def address(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self._host}]" if ":" in self._host else self._host

    def http(self, timeout_s: float, *, reads_statistics: bool = False) -> Server:
        """The server over HTTP, with the key that calls need or, alone, its statistics."""
        is_ours = self._is_configured
        key = user_key(self._settings)
        if is_ours:
            key = caller_key(self._settings, reads_statistics=reads_statistics)
        trust = self._trust(is_ours, shows_own=self._settings.tls == "mtls")
        return Server(self.url, key, timeout_s, trust)

    def grpc(self, timeout_s: float) -> GrpcServer | None:
        """The same server's gRPC; None when no address was named."""
        address = self._flags.grpc_endpoint
        if not address:
            return None
        scheme, _, rest = address.rpartition("://")
        is_ours = self._is_ours(urlsplit(f"//{rest}"), self._settings.grpc_port)
        if is_ours and not scheme and (self._settings.cert_path or self._settings.tls == "auto"):
            address = f"grpcs://{rest}"
        key = caller_key(self._settings) if is_ours else user_key(self._settings)
        trust = self._trust(is_ours, shows_own=bool(self._settings.grpc_tls_ca_path))
        return GrpcServer(address, key, timeout_s, trust)

    @property
    def grpc_address(self) -> str:
        """Where the server of `url` takes gRPC; HOST:PORT when nobody can know."""
        if not self._settings.grpc_port or not self._is_configured:
            return "HOST:PORT"
        return f"{self.address}:{self._settings.grpc_port}"

    @property
    def admin_key(self) -> str:
        """The key that may change the model; empty when nobody gave one."""
        return admin_key(self._settings)

    @property
    def _settings(self) -> Settings:
        return self._resolved.settings

    @property
    def _scheme(self) -> str:
        return "http" if self._settings.tls == "off" else "https"

    @property
    def _host(self) -> str:
        host = self._settings.host.strip("[]")
        return _EVERY_INTERFACE.get(host, host)

    def _scheme_of(self, address: str) -> str:
        """Of an address without one: the configured server's when it is that server's."""
        parts = urlsplit(address if "://" in address else f"//{address}")
        return self._scheme if self._is_ours(parts, self._settings.http_port) else "http"

    @property
    def _is_configured(self) -> bool:
        """True when `url` is where the settings say that the server listens."""
        return self._is_ours(urlsplit(self.url), self._settings.http_port)

    def _is_ours(self, parts: SplitResult, port: int) -> bool:
        try:
            host, number = parts.hostname, parts.port
        except ValueError:
            return False
        here = {self._host.lower()}
        if self._host in _LOOPBACK or self._settings.host in _EVERY_INTERFACE:
            here |= _LOOPBACK
        return host in here and number == port

    def _trust(self, is_ours: bool, *, shows_own: bool) -> Trust:
        """The flags' files, and for the configured server those that it has itself."""
        flags, settings = self._flags, self._settings
        own = settings.cert_path if is_ours and shows_own and not flags.cert_file else ""
        return Trust(
            ca_file=flags.ca_file,
            cert_file=flags.cert_file or own,
            key_file=settings.key_path if own else flags.key_file,
            server_cert=self._own_certificate() if is_ours and not flags.ca_file else "",
        )

    def _own_certificate(self) -> str:
        """The file that a start with these settings serves; "" when there is none to read."""
        path = self._settings.cert_path
        if self._settings.tls == "auto":
            path = str(self_signed_in(Path(self._settings.tls_dir).expanduser()).cert)
        return path if path and Path(path).is_file() else ""


def flags_of(values: Mapping[str, Any]) -> Flags:
    """Out of parsed arguments."""
    return Flags(**{name: values.get(name) or "" for name in Flags.__slots__})
