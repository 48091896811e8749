# SPDX-License-Identifier: AGPL-3.0-only
"""Who can reach the service with these settings: keys, host names and warnings."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

from pydantic import SecretStr

from sentiric_llama.access.api_key import Identity, Role, parse_keys
from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.access.key_watch import KeyFile, writable_by_others
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import PREFIX, Settings


def is_public_address(host: str) -> bool:
    """True unless only this machine can reach the address."""
    if host.lower() == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return not all(address.is_loopback for address in _addresses(host))


def _addresses(name: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The addresses of a host name; for an unknown one all interfaces, to be safe."""
    try:
        found = socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return [ipaddress.IPv4Address("0.0.0.0")]
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def hosts_of(settings: Settings) -> tuple[str, ...]:
    """Host names that requests may use: the configured ones and the bound one."""
    host = settings.host.strip("[]").lower()
    is_every_interface = host in ("", "0.0.0.0", "::")
    return settings.allowed_hosts if is_every_interface else (*settings.allowed_hosts, host)


def key_ring(settings: Settings) -> KeyRing:
    """The keys of the settings: API_KEY has the role user, METRICS_KEY metrics, ADMIN_KEY admin.

    ADMIN_KEY alone does not protect the rest of the API. Those of KEYS_FILE are `key_file`'s.
    """
    listed = settings.api_keys
    keys = [
        *_own_key(settings.api_key, "api-key", "user"),
        *_own_key(settings.metrics_key, "metrics-key", "metrics"),
        *(parse_keys(listed.get_secret_value()) if listed else []),
    ]
    spare = _own_key(settings.admin_key, "admin-key", "admin")
    return KeyRing(keys, spare, has_file=bool(settings.keys_file))


def key_file(settings: Settings, ring: KeyRing) -> KeyFile | None:
    """KEYS_FILE, whose keys it puts into the ring; None without one. Raises InvalidArgument."""
    return KeyFile(Path(settings.keys_file), ring) if settings.keys_file else None


def user_key(settings: Settings) -> str:
    """API_KEY, the key for all callers; "" without one."""
    return settings.api_key.get_secret_value() if settings.api_key else ""


def admin_key(settings: Settings) -> str:
    """A key that may switch models; "" without one."""
    own = settings.admin_key
    return own.get_secret_value() if own else _listed_key(settings, ("admin",))


def caller_key(settings: Settings, *, reads_statistics: bool = False) -> str:
    """The key with which this machine calls its own server; "" if it needs none.

    In this order: API_KEY, one of API_KEYS, METRICS_KEY if that is enough, ADMIN_KEY.
    """
    roles: tuple[Role, ...] = ("user", "metrics") if reads_statistics else ("user",)
    scraper = settings.metrics_key if reads_statistics else None
    own = scraper.get_secret_value() if scraper else ""
    return user_key(settings) or _listed_key(settings, roles) or own or admin_key(settings)


def _listed_key(settings: Settings, roles: tuple[Role, ...]) -> str:
    listed = settings.api_keys
    entries = parse_keys(listed.get_secret_value()) if listed else []
    return next((key for key, who in entries if who.may(*roles)), "")


def _own_key(secret: SecretStr | None, name: str, role: Role) -> list[tuple[str, Identity]]:
    """The entry of a setting that holds one key; [] without a key."""
    return [(secret.get_secret_value(), Identity(name, frozenset({role})))] if secret else []


def exposure_warnings(settings: Settings) -> list[str]:
    """All warnings about exposure. Raises InvalidArgument in production."""
    checks = (binding_warnings, plain_text_warnings, metrics_warnings, key_file_warnings)
    return [line for check in checks for line in check(settings)]


def binding_warnings(settings: Settings) -> list[str]:
    """Warns if anyone in the network may call. Raises InvalidArgument in production."""
    if key_ring(settings).locks("user") or not is_public_address(settings.host):
        return []
    text = (
        f"{settings.host} is a public address and no API key is set; set {PREFIX}API_KEY "
        f"or listen on 127.0.0.1 ({PREFIX}HOST)"
    )
    if settings.env == "production":
        raise InvalidArgument(f"refused with ENV=production: {text}", where="settings")
    return [text]


def key_file_warnings(settings: Settings) -> list[str]:
    """Warns if others may change the file of keys. Raises InvalidArgument if it cannot serve."""
    if key_file(settings, key_ring(settings)) is None:
        return []
    if not writable_by_others(Path(settings.keys_file)):
        return []
    name = f"{PREFIX}KEYS_FILE"
    return [f"other users may write the file of {name} and give themselves a key; use mode 0600"]


def plain_text_warnings(settings: Settings) -> list[str]:
    """Warns if keys and texts cross the network without encryption."""
    if settings.tls != "off" or not is_public_address(settings.host):
        return []
    return [
        f"keys and texts reach {settings.host} unencrypted over HTTP; set {PREFIX}TLS, "
        "or let only a proxy that terminates TLS reach it"
    ]


def metrics_warnings(settings: Settings) -> list[str]:
    """Warns if anyone in the network may read the metrics."""
    if not settings.metrics_enabled or key_ring(settings).locks("metrics"):
        return []
    if not is_public_address(settings.host):
        return []
    return [f"anyone who reaches {settings.host} may read the metrics; set {PREFIX}METRICS_KEY"]
