# SPDX-License-Identifier: AGPL-3.0-only
"""What a route or a method needs, declared where it is registered, and who gets it.

HTTP and gRPC ask one `Doorkeeper` after their router has found the handler, so that no second
reading of a path decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sentiric_llama.access.api_key import Identity, KeyRing, Role
from sentiric_llama.host.product import PREFIX


class Access(StrEnum):
    """The declaration."""

    PUBLIC = "public"
    """Probes and the page: no key, ever."""
    USER = "user"
    STATISTICS = "statistics"
    METRICS = "metrics"
    ADMIN = "admin"
    """Changes the service for everybody; off unless a key has the role."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """One of these is enough; the role admin always is."""
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
    """Why a caller is not let in."""

    code: str
    message: str
    is_unknown: bool = False
    """It has no key that we know; otherwise the key may not do this."""


NO_KEY = Denial("invalid_api_key", "Invalid API Key", is_unknown=True)
ADMIN_DISABLED = Denial(
    "admin_disabled",
    f"changing the model is off; to allow it set {PREFIX}ADMIN_KEY, or a key with the role admin "
    f"in {PREFIX}API_KEYS",
)


class Doorkeeper:
    """Decides for one port. Everything but PUBLIC is locked when a key has the port's role."""

    def __init__(self, keys: KeyRing, locked_by: Role = "user") -> None:
        self.keys = keys
        self.is_locked = keys.locks(locked_by)

    def admit(
        self, access: Access, headers: Iterable[tuple[bytes, bytes]]
    ) -> Identity | Denial | None:
        """Who asks; None is anybody. Header names in lower case."""
        if access is Access.PUBLIC:
            return None
        identity = self.keys.identify(headers)
        if identity is None and self.is_locked:
            return NO_KEY
        if access is Access.ADMIN:
            return self._admit_admin(identity)
        if identity is None or not self.is_locked or identity.may(*access.roles):
            return identity
        return _role_missing(identity, access)

    def _admit_admin(self, identity: Identity | None) -> Identity | Denial:
        if not self.keys.opens("admin"):
            return ADMIN_DISABLED
        if identity is None:
            return NO_KEY
        return identity if identity.may("admin") else _role_missing(identity, Access.ADMIN)


def _role_missing(identity: Identity, access: Access) -> Denial:
    allowed = " or ".join(dict.fromkeys((*access.roles, "admin")))
    text = f"the key {identity.name} may not do this; allowed are keys with the role {allowed}"
    return Denial("role_missing", text)
