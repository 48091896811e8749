# SPDX-License-Identifier: AGPL-3.0-only
"""Whose call it is: what a key owns, shares and may ask for, the same over every protocol.

A key decides, never a header. `x-tenant-id` is a label for logs and fair shares; it separates
something only where the key is bound to tenants.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from sentiric_llama.access.api_key import Identity
from sentiric_llama.errors import InvalidArgument, PermissionDenied
from sentiric_llama.log.trace import clean_id
from sentiric_llama.types import Priority

TENANT = "x-tenant-id"
CacheScope = Literal["auto", "shared", "tenant"]


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller of the service. Without keys all callers are one, with the owner ""."""

    owner: str = ""
    """Name of the key; requests, their ids and their statistics belong to it."""
    is_admin: bool = False
    has_realtime: bool = True
    is_apart: bool = False
    """Other keys may call, too: what it computed is not shared with them."""
    tenant: str = ""
    """The tenant it acts for, because its key is bound to it."""
    label: str = ""
    """What it calls itself in `x-tenant-id`."""

    def sees(self, owner: str) -> bool:
        """True when it may see the calls of this owner."""
        return self.is_admin or owner == self.owner

    def cache_scope(self, mode: CacheScope) -> str:
        """Who shares its prefixes: equal scopes do."""
        if mode == "shared":
            return ""
        if mode == "tenant" and self.tenant:
            return f"tenant/{self.tenant}"
        return self._own if self.is_apart or self.tenant else ""

    @property
    def share(self) -> str:
        """Who it is when contexts are shared fairly."""
        return self._own if self.is_apart or self.tenant else self.label

    @property
    def _own(self) -> str:
        return f"{self.owner}/{self.tenant}" if self.tenant else self.owner

    def check_priority(self, priority: Priority) -> None:
        """Raises PermissionDenied for a class that its key may not use."""
        if priority == "realtime" and not self.has_realtime:
            raise PermissionDenied(
                f"the key {self.owner} may not use realtime; allowed normal | batch, or the right "
                "realtime in API_KEYS: NAME:user+realtime:KEY",
                where="priority",
            )


CURRENT_CALLER: ContextVar[Caller] = ContextVar("sentiric_caller", default=Caller())  # noqa: B039


def make_caller(identity: Identity | None, tenants: Iterable[str], num_users: int) -> Caller:
    """The caller with this key, who sent these values of `x-tenant-id`.

    Raises InvalidArgument for a malformed tenant, PermissionDenied for one that is not the key's.
    """
    label = read_tenant(tenants)
    if identity is None:
        return Caller(label=label)
    return Caller(
        owner=identity.name,
        is_admin=identity.may(),
        has_realtime=identity.has("realtime"),
        is_apart=num_users > 1,
        tenant=_bound_tenant(identity, label),
        label=label,
    )


def read_tenant(values: Iterable[str]) -> str:
    """The tenant in `x-tenant-id`; "" when there is none. Raises InvalidArgument."""
    found = {value.strip() for value in values} - {""}
    if not found:
        return ""
    tenant = clean_id(found.pop())
    if tenant is None or found:
        allowed = "1 to 64 of A-Z a-z 0-9 _ -"
        raise InvalidArgument(f"got what is no single identifier, allowed {allowed}", where=TENANT)
    return tenant


def _bound_tenant(identity: Identity, label: str) -> str:
    """The tenant that the key lets it act for; "" for a key that is bound to none."""
    if not identity.tenants:
        return ""
    if label:
        if not identity.may_name(label):
            raise PermissionDenied(
                f"the key {identity.name} may not name this tenant; "
                "allowed are the tenants that its entry in API_KEYS lists",
                where=TENANT,
            )
        return label
    only = identity.tenants if len(identity.tenants) == 1 else ()
    return next((tenant for tenant in only if tenant != "*"), "")
