# SPDX-License-Identifier: AGPL-3.0-only
"""Where the service listens, and what it accepts there."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import Field, field_validator

from sentiric_llama.settings.sections.kinds import NameList, Section, all_match, named

_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^\s/?#@,]+", re.IGNORECASE)
_HOST = re.compile(r"\*|(\*\.)?[a-z0-9_-][a-z0-9._-]*|\[?[0-9a-f:.]*:[0-9a-f:.]*\]?", re.IGNORECASE)


class Network(Section):
    """Addresses, ports and limits of connections."""

    TITLE: ClassVar[str] = "Network"

    host: str = Field(
        "127.0.0.1",
        validation_alias=named("HOST", "LISTEN_ADDRESS"),
        description="address to listen on; 0.0.0.0 for all interfaces",
    )
    http_port: int = Field(16070, ge=0, le=65535, description="HTTP port; 0 picks a free one")
    grpc_port: int = Field(16071, ge=0, le=65535, description="gRPC port; 0 picks a free one")
    grpc_max_streams: int = Field(
        128, ge=1, le=65536, description="concurrent calls per gRPC connection"
    )
    max_connections: int = Field(
        1024, ge=1, le=65536, description="open HTTP connections, and concurrent gRPC calls"
    )
    max_body_bytes: int = Field(
        8 * 2**20, ge=1024, le=256 * 2**20, description="maximum size of a request body"
    )
    allowed_hosts: NameList = Field(
        (),
        description="host names accepted besides localhost and the bound address, "
        "comma-separated; *.example.com matches every subdomain, * any host",
    )
    cors_origins: NameList = Field(
        (), description="origins of web pages that may call the API (CORS), comma-separated"
    )
    examples_dir: str = Field(
        "", description="directory of text files that are served under /context/; empty for none"
    )

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return all_match(value, _ORIGIN, "a scheme and a host as in https://app.example, or *")

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return all_match(value, _HOST, "host names without a scheme or port, *.example.com or *")
