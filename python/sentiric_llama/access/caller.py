# SPDX-License-Identifier: AGPL-3.0-only
"""The caller of a request: what its key owns, shares and may ask for. The same for every protocol.

The key decides, never a header. `x-tenant-id` labels logs and fair shares; it isolates data only
if the key is bound to tenants.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from sentiric_llama.access.api_key import Identity
from sentiric_llama.access.limits import NO_LIMITS, KeyLimits
from sentiric_llama.errors import InvalidArgument, PermissionDenied
from sentiric_llama.log.trace import clean_id
from sentiric_llama.types import Priority

TENANT = "x-tenant-id"
MAX_LISTED = 20
"""Models in one error."""
CacheScope = Literal["auto", "shared", "tenant"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. Without API keys, all callers are the same one, with the owner ""."""

    owner: str = ""
    """Name of the key. It owns its requests, their ids and their statistics."""
    is_admin: bool = False
    has_realtime: bool = True
    is_apart: bool = False
    """There are other keys: its prefixes are not shared with them."""
    tenant: str = ""
    """The tenant that the key is bound to and acts for."""
    label: str = ""
    """The value of `x-tenant-id`."""
    models: frozenset[str] = frozenset()
    """Names or aliases of the models that it may use; empty for all."""
    limits: KeyLimits = NO_LIMITS

    def sees(self, owner: str) -> bool:
        """True if it may see the requests of this owner."""
        return self.is_admin or owner == self.owner

    def cache_scope(self, mode: CacheScope) -> str:
        """The scope of its prefixes: callers of the same scope share them."""
        if mode == "shared":
            return ""
        if mode == "tenant" and self.tenant:
            return f"tenant/{self.tenant}"
        return self._own if self.is_apart or self.tenant else ""

    @property
    def share(self) -> str:
        """The name under which it gets its fair share of the contexts."""
        return self._own if self.is_apart or self.tenant else self.label

    @property
    def _own(self) -> str:
        return f"{self.owner}/{self.tenant}" if self.tenant else self.owner

    def check_priority(self, priority: Priority) -> None:
        """Raises PermissionDenied if the key may not use this class."""
        if priority == "realtime" and not self.has_realtime:
            raise PermissionDenied(
                f"the key {self.owner} may not use realtime, allowed normal | batch; to allow it, "
                "add the right in API_KEYS: NAME:user+realtime:KEY, or in the file of keys",
                where="priority",
            )

    def may_use(self, names: Collection[str]) -> bool:
        """True if it may use the model with these names."""
        return not self.models or not self.models.isdisjoint(names)

    def check_model(self, name: str, aliases: Collection[str]) -> None:
        """Raises PermissionDenied if the key may not use the model."""
        if not self.may_use((name, *aliases)):
            allowed = " | ".join(sorted(self.models)[:MAX_LISTED])
            text = f"the key {self.owner} may not use the model {name}, allowed {allowed}"
            raise PermissionDenied(text, where="model")


CURRENT_CALLER: ContextVar[Caller] = ContextVar("sentiric_caller", default=Caller())  # noqa: B039


def make_caller(identity: Identity | None, tenants: Iterable[str], is_apart: bool) -> Caller:
    """The caller with this key and these values of `x-tenant-id`.

    Raises InvalidArgument for a malformed tenant, PermissionDenied for one that the key is not
    bound to.
    """
    label = read_tenant(tenants)
    if identity is None:
        return Caller(label=label)
    return Caller(
        owner=identity.name,
        is_admin=identity.may(),
        has_realtime=identity.has("realtime"),
        is_apart=is_apart,
        tenant=_bound_tenant(identity, label),
        label=label,
        models=identity.models,
        limits=identity.limits,
    )


def read_tenant(values: Iterable[str]) -> str:
    """The tenant in `x-tenant-id`, "" if there is none. Raises InvalidArgument."""
    found = {value.strip() for value in values} - {""}
    if not found:
        return ""
    tenant = clean_id(found.pop())
    if tenant is None or found:
        allowed = "1 to 64 of A-Z a-z 0-9 _ -"
        raise InvalidArgument(f"must be a single identifier; allowed {allowed}", where=TENANT)
    return tenant


def _bound_tenant(identity: Identity, label: str) -> str:
    """The tenant that the key acts for, "" for a key without tenants."""
    if not identity.tenants:
        return ""
    if label:
        if not identity.may_name(label):
            raise PermissionDenied(
                f"the key {identity.name} may not act for this tenant; "
                "allowed are the tenants of its entry in API_KEYS or in the file of keys",
                where=TENANT,
            )
        return label
    only = identity.tenants if len(identity.tenants) == 1 else ()
    return next((tenant for tenant in only if tenant != "*"), "")
