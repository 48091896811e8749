# SPDX-License-Identifier: AGPL-3.0-only
"""The access that a route or method requires, and the check of a caller against it.

HTTP and gRPC run the same `AccessCheck` after routing, on the handler that was matched. Nothing
parses a path a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sentiric_llama.access.api_key import Identity, Role, given_keys
from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.host.product import PREFIX


class Access(StrEnum):
    """What a route or method declares."""

    PUBLIC = "public"
    """Health probes and the page: never need a key."""
    USER = "user"
    STATISTICS = "statistics"
    METRICS = "metrics"
    ADMIN = "admin"
    """Changes the service for all callers; disabled unless a key has the role."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """Any one of these is enough; `admin` always is."""
        return _ROLES[self]


_ROLES: dict[Access, tuple[Role, ...]] = {
    Access.PUBLIC: (),
    Access.USER: ("user",),
    Access.STATISTICS: ("user", "metrics"),
    Access.METRICS: ("metrics",),
    Access.ADMIN: ("admin",),
}


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is refused."""

    code: str
    message: str
    is_unauthenticated: bool = False
    """No valid key was sent. Otherwise the key is valid but lacks the role."""


_UNAUTHENTICATED = (
    "no API key was sent; send Authorization: Bearer KEY or X-Api-Key: KEY",
    "the API key is not valid",
    "different API keys were sent; send one",
)
"""The message for none, one and several keys."""
_EXPIRED = "the API key has expired"
ADMIN_DISABLED = Denial(
    "admin_disabled",
    f"changing the model is off; to allow it, set {PREFIX}ADMIN_KEY, or add a key with the role "
    f"admin to {PREFIX}API_KEYS",
)


class AccessCheck:
    """Authorizes the requests of one port. Without a key for the port's role, the port is open."""

    def __init__(self, keys: KeyRing, locked_by: Role = "user") -> None:
        self.keys = keys
        self.is_locked = keys.locks(locked_by)

    def admit(
        self, access: Access, headers: Iterable[tuple[bytes, bytes]]
    ) -> Identity | Denial | None:
        """The identity of the caller, None for an anonymous one. Header names in lower case."""
        if access is Access.PUBLIC:
            return None
        given = given_keys(headers)
        identity = self.keys.holder(given)
        if identity is None and self.is_locked:
            return self._unauthenticated(given)
        if access is Access.ADMIN:
            return self._admit_admin(identity, given)
        if identity is None or not self.is_locked or identity.may(*access.roles):
            return identity
        return _role_missing(identity, access)

    def _admit_admin(self, identity: Identity | None, given: set[bytes]) -> Identity | Denial:
        if not self.keys.opens("admin"):
            return ADMIN_DISABLED
        if identity is None:
            return self._unauthenticated(given)
        return identity if identity.may("admin") else _role_missing(identity, Access.ADMIN)

    def _unauthenticated(self, given: set[bytes]) -> Denial:
        """The denial of a request that sent these keys, none of them valid."""
        text = _UNAUTHENTICATED[min(len(given), 2)]
        if self.keys.has_expired(given):
            text = _EXPIRED
        return Denial("invalid_api_key", text, is_unauthenticated=True)


def _role_missing(identity: Identity, access: Access) -> Denial:
    allowed = " or ".join(dict.fromkeys((*access.roles, "admin")))
    text = f"the key {identity.name} may not do this; use a key with the role {allowed}"
    return Denial("role_missing", text)
