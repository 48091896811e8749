# SPDX-License-Identifier: AGPL-3.0-only
"""Who may call, and how strict the service is with requests and with its own start."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from sentiric_llama.access.api_key import parse_keys
from sentiric_llama.settings.sections.kinds import Section, any_case, named

LogLevel = Literal["debug", "info", "warning", "error"]


class Authentication(Section):
    """Keys, tenants and the environment."""

    TITLE: ClassVar[str] = "Authentication"

    api_key: SecretStr | None = Field(
        None, min_length=1, description="API key that callers must send"
    )
    api_keys: SecretStr | None = Field(
        None,
        description="more keys, one per line: NAME:ROLE:KEY; the roles are user, metrics and "
        "admin, +realtime grants that priority class, @TENANT binds the key to a tenant",
    )
    admin_key: SecretStr | None = Field(
        None,
        min_length=1,
        description="key with the admin role, needed to switch models; on its own it does not "
        "protect the rest of the API",
    )
    require_tenant: bool = Field(False, description="refuse requests without x-tenant-id")
    strict_fields: bool = Field(False, description="refuse unknown request fields")
    env: Annotated[Literal["development", "production"], any_case] = Field(
        "development",
        validation_alias=named("ENV", unprefixed="ENV"),
        description="production refuses to start with a public address and no API key, or with "
        "gRPC open to clients without a certificate",
    )
    log_level: Annotated[LogLevel, any_case] = Field(
        "info", description="minimum severity of log lines"
    )

    @field_validator("api_keys")
    @classmethod
    def _check_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_keys(value.get_secret_value())
        return value
