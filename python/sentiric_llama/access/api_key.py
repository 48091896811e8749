# SPDX-License-Identifier: AGPL-3.0-only
"""API keys: how callers send them, and what each one may do. The same for every protocol."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, cast, get_args

from sentiric_llama.access.limits import NO_LIMITS, KeyLimits
from sentiric_llama.log.trace import is_id

Role = Literal["user", "metrics", "admin"]
"""user: all requests. metrics: metrics and statistics. admin: everything."""
ROLES: tuple[Role, ...] = get_args(Role)
Right = Literal["realtime"]
"""realtime: the priority class `realtime`. The role admin includes every right."""
RIGHTS: tuple[Right, ...] = get_args(Right)
ANY_TENANT = "*"
KEY_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_KEY = re.compile(r"[!-~]+")
KEY_FORM = "printable ASCII characters without spaces, at least one"


@dataclass(frozen=True, slots=True)
class Identity:
    """The holder of a key. Safe to show: it has the name, not the key."""

    name: str
    roles: frozenset[Role]
    rights: frozenset[Right] = frozenset()
    tenants: frozenset[str] = frozenset()
    """Tenants that its requests may name; `ANY_TENANT` for all. If empty, a tenant is a label."""
    models: frozenset[str] = frozenset()
    """Names or aliases of the models that it may use; empty for all."""
    limits: KeyLimits = NO_LIMITS
    expires_at: float | None = None
    """Seconds since 1970; None for never."""

    def may(self, *roles: Role) -> bool:
        """True if it has one of the roles."""
        return "admin" in self.roles or not self.roles.isdisjoint(roles)

    def has(self, right: Right) -> bool:
        """True if it has the right."""
        return "admin" in self.roles or right in self.rights

    def may_name(self, tenant: str) -> bool:
        """True if the key is bound to this tenant."""
        return ANY_TENANT in self.tenants or tenant in self.tenants

    def joined(self, other: Identity) -> Identity:
        """Both combined under this name: one key that was configured twice."""
        return Identity(
            self.name,
            self.roles | other.roles,
            self.rights | other.rights,
            self.tenants | other.tenants,
        )


def clean_key(text: str) -> str:
    """A key without the white space around it, as a header's value is read.

    Raises ValueError, which does not repeat it, for a key that no header can carry unchanged.
    """
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise ValueError(KEY_FORM)
    return key


RESERVED = frozenset({"api-key", "metrics-key", "admin-key"})
"""Names of the keys that have settings of their own. A name is an owner."""


def parse_keys(text: str) -> list[tuple[str, Identity]]:
    """Parses entries `NAME:WORD+WORD@TENANT+TENANT:KEY`, one per line or separated by commas.

    A word is a role or a right; `@TENANT` is optional. The ValueError for a malformed entry gives
    its number and not its key.
    """
    keys: list[tuple[str, Identity]] = []
    for number, entry in enumerate(_entries(text), 1):
        name, _, rest = entry.partition(":")
        words, _, key = rest.partition(":")
        identity = _identity(name, words)
        if identity is None or not key:
            allowed = f"roles {' | '.join(ROLES)}, rights {' | '.join(RIGHTS)}"
            raise ValueError(
                f"NAME:ROLE+RIGHT@TENANT:KEY with the {allowed}; entry {number} is malformed"
            )
        try:
            keys.append((clean_key(key), identity))
        except ValueError:
            raise ValueError(f"keys of {KEY_FORM}; entry {number} has another") from None
    if not keys:
        raise ValueError("at least one NAME:ROLE:KEY")
    if taken := RESERVED & {identity.name for _, identity in keys}:
        raise ValueError(f"other names than {min(taken)}, which is that of a key of its own")
    for what, values in (("name", [i.name for _, i in keys]), ("key", [k for k, _ in keys])):
        if len(set(values)) < len(values):
            raise ValueError(f"each {what} once")
    return keys


def _identity(name: str, text: str) -> Identity | None:
    """The holder that an entry describes; None if it is malformed."""
    given, has_tenants, listed = text.partition("@")
    words = frozenset(given.split("+"))
    tenants = frozenset(listed.split("+")) if has_tenants else frozenset()
    roles, rights = words & set(ROLES), words & set(RIGHTS)
    is_good = KEY_NAME.fullmatch(name) and roles and words == roles | rights
    if not is_good or not all(tenant == ANY_TENANT or is_id(tenant) for tenant in tenants):
        return None
    return Identity(name, cast(frozenset[Role], roles), cast(frozenset[Right], rights), tenants)


def _entries(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            yield from (part.strip() for part in line.split(",") if part.strip())


def given_keys(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """The different keys in `Authorization: Bearer` and `X-Api-Key`. Names in lower case."""
    return set(_read_keys(headers)) - {b""}


def _read_keys(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    for name, value in headers:
        if name == b"x-api-key":
            yield value.strip()
        elif name == b"authorization":
            scheme, _, rest = value.partition(b" ")
            if scheme.lower() == b"bearer":
                yield rest.strip()
