# SPDX-License-Identifier: AGPL-3.0-only
"""The keys that callers send, and what each may do, the same over every protocol."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, cast, get_args

from sentiric_llama.log.trace import is_id

Role = Literal["user", "metrics", "admin"]
"""user: every call. metrics: the metrics and the statistics. admin: everything."""
ROLES: tuple[Role, ...] = get_args(Role)
Right = Literal["realtime"]
"""realtime: requests of the priority class `realtime`. The role admin has every right."""
RIGHTS: tuple[Right, ...] = get_args(Right)
ANY_TENANT = "*"
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a key. The name may be shown; the key is nowhere in it."""

    name: str
    roles: frozenset[Role]
    rights: frozenset[Right] = frozenset()
    tenants: frozenset[str] = frozenset()
    """Tenants that its calls may name, `ANY_TENANT` for all; empty: a tenant is only a label."""

    def may(self, *roles: Role) -> bool:
        """True when it has one of the roles."""
        return "admin" in self.roles or not self.roles.isdisjoint(roles)

    def has(self, right: Right) -> bool:
        """True when it has the right."""
        return "admin" in self.roles or right in self.rights

    def may_name(self, tenant: str) -> bool:
        """True when the key is bound to this tenant."""
        return ANY_TENANT in self.tenants or tenant in self.tenants

    def joined(self, other: Identity) -> Identity:
        """One key that was given twice, under the name of this one."""
        return Identity(
            self.name,
            self.roles | other.roles,
            self.rights | other.rights,
            self.tenants | other.tenants,
        )


class KeyRing:
    """Knows keys by their digests, and looks for them in headers or metadata."""

    def __init__(
        self, keys: Iterable[tuple[str, Identity]], spare: Iterable[tuple[str, Identity]] = ()
    ) -> None:
        """`spare` keys open what the others of their role do, but lock nothing."""
        listed = list(keys)
        self._locked = {role for role in ROLES if any(who.may(role) for _, who in listed)}
        self._holders: dict[bytes, Identity] = {}
        for key, identity in (*listed, *spare):
            digest = _digest(key.encode())
            known = self._holders.get(digest)
            self._holders[digest] = known.joined(identity) if known else identity
        self.num_users = sum(identity.may("user") for identity in self._holders.values())
        """Keys that may call; with several, what belongs to one is kept from the others."""

    def locks(self, role: Role) -> bool:
        """True when a key for this role exists: what it opens is closed without one."""
        return role in self._locked

    def opens(self, role: Role) -> bool:
        """True when somebody may do what needs this role."""
        return any(identity.may(role) for identity in self._holders.values())

    def identify(self, headers: Iterable[tuple[bytes, bytes]]) -> Identity | None:
        """Whose `Authorization: Bearer` or `X-Api-Key` it is. Names in lower case.

        Two different keys are nobody's: which one counts would depend on who reads them.
        """
        given = set(_given_keys(headers))
        return self._holder(given.pop()) if len(given) == 1 else None

    def _holder(self, key: bytes) -> Identity | None:
        digest, found = _digest(key), None
        for known, identity in self._holders.items():  # all of them: the time tells nothing
            if hmac.compare_digest(digest, known):
                found = identity
        return found


def parse_keys(text: str) -> list[tuple[str, Identity]]:
    """Entries `NAME:WORD+WORD@TENANT+TENANT:KEY`, one a line or separated by commas.

    A word is a role or a right, `@` and the tenants may be missing. Raises ValueError saying which
    entry is wrong, without its key.
    """
    keys: list[tuple[str, Identity]] = []
    for number, entry in enumerate(_entries(text), 1):
        name, _, rest = entry.partition(":")
        words, _, key = rest.partition(":")
        identity = _identity(name, words)
        if identity is None or not key:
            allowed = f"roles {' | '.join(ROLES)}, rights {' | '.join(RIGHTS)}"
            raise ValueError(
                f"NAME:ROLE+RIGHT@TENANT:KEY with the {allowed}; entry {number} is not"
            )
        keys.append((key, identity))
    if not keys:
        raise ValueError("at least one NAME:ROLE:KEY")
    for what, values in (("name", [i.name for _, i in keys]), ("key", [k for k, _ in keys])):
        if len(set(values)) < len(values):
            raise ValueError(f"each {what} once")
    return keys


def _identity(name: str, text: str) -> Identity | None:
    """The holder that an entry describes; None when it is malformed."""
    given, has_tenants, listed = text.partition("@")
    words = frozenset(given.split("+"))
    tenants = frozenset(listed.split("+")) if has_tenants else frozenset()
    roles, rights = words & set(ROLES), words & set(RIGHTS)
    is_good = _NAME.fullmatch(name) and roles and words == roles | rights
    if not is_good or not all(tenant == ANY_TENANT or is_id(tenant) for tenant in tenants):
        return None
    return Identity(name, cast(frozenset[Role], roles), cast(frozenset[Right], rights), tenants)


def _entries(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            yield from (part.strip() for part in line.split(",") if part.strip())


def _given_keys(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    for name, value in headers:
        if name == b"x-api-key":
            yield value.strip()
        elif name == b"authorization":
            scheme, _, rest = value.partition(b" ")
            if scheme.lower() == b"bearer":
                yield rest.strip()


def _digest(key: bytes) -> bytes:
    """Equal lengths for the constant-time comparison."""
    return hashlib.sha256(key).digest()
