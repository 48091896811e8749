# SPDX-License-Identifier: AGPL-3.0-only
"""Certificates of the service, and those that it asks for."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sentiric_llama.settings.sections.kinds import NameList, Section, any_case, named


class Tls(Section):
    """HTTPS and TLS of gRPC."""

    TITLE: ClassVar[str] = "TLS"

    grpc_tls_ca_path: str = Field(
        "",
        validation_alias=named("GRPC_TLS_CA_PATH", unprefixed="GRPC_TLS_CA_PATH"),
        description="PEM file of the CA that signs client certificates; gRPC then requires one",
    )
    cert_path: str = Field("", description="PEM file of the server's certificate chain")
    key_path: str = Field("", description="PEM file of the certificate's private key")
    tls: Annotated[Literal["off", "auto", "cert", "mtls"], any_case] = Field(
        "off",
        description="HTTPS for the API and the metrics: with a self-signed certificate (auto), "
        "with CERT_PATH (cert), or with CERT_PATH and client certificates (mtls)",
    )
    tls_allowed_names: NameList = Field(
        (),
        description="names in client certificates that may call, comma-separated; empty allows all",
    )
    tls_dir: str = Field(
        "~/.cache/sentiric-llama/tls", description="directory of the self-signed certificate"
    )
    tls_reload_s: float = Field(
        5, gt=0, le=3600, description="seconds between checks for renewed certificate files"
    )
    grpc_insecure: bool = Field(
        False, description="allow gRPC without client certificates when ENV=production"
    )
