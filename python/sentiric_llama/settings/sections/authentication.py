# SPDX-License-Identifier: AGPL-3.0-only
"""Who may call: API keys and tenants."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from sentiric_llama.access.api_key import parse_keys
from sentiric_llama.access.caller import CacheScope
from sentiric_llama.settings.sections.kinds import Key, Section


class Authentication(Section):
    """API keys and tenants."""

    TITLE: ClassVar[str] = "Authentication"

    api_key: Key = Field(None, min_length=1, description="API key that callers must send")
    api_keys: SecretStr | None = Field(
        None,
        description="more keys, one per line: NAME:ROLE:KEY; the roles are user, metrics and "
        "admin, +realtime grants that priority class, @TENANT binds the key to a tenant",
    )
    admin_key: Key = Field(
        None,
        min_length=1,
        description="key with the admin role, needed to switch models; on its own it does not "
        "protect the rest of the API",
    )
    keys_file: str = Field(
        "",
        description="JSON file of keys, each with roles and limits of its own and kept as a hash; "
        "`sentiric-llama key` writes it, and a change takes effect without a restart",
    )
    keys_reload_s: float = Field(
        2, gt=0, le=3600, description="seconds between checks for a changed file of keys"
    )
    require_tenant: bool = Field(False, description="refuse requests without x-tenant-id")
    cache_scope: CacheScope = Field(
        "auto",
        description="who shares cached prefixes: callers with the same key as soon as there are "
        "several keys (auto), all callers, or callers of the same bound tenant",
    )

    @field_validator("api_keys")
    @classmethod
    def _check_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_keys(value.get_secret_value())
        return value
