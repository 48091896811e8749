# SPDX-License-Identifier: AGPL-3.0-only
"""What the service reports, and how it starts and stops."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sentiric_llama.settings.sections.kinds import Key, Section, any_case, named

LogLevel = Literal["debug", "info", "warning", "error"]


class Observability(Section):
    """Metrics, logs, start and shutdown."""

    TITLE: ClassVar[str] = "Observability and lifecycle"

    metrics_port: int = Field(
        16072, ge=0, le=65535, description="port of Prometheus metrics; 0 picks a free one"
    )
    metrics_enabled: bool = Field(True, description="serve Prometheus metrics")
    metrics_key: Key = Field(None, min_length=1, description="bearer token that scrapers must send")
    log_level: Annotated[LogLevel, any_case] = Field(
        "info", description="minimum severity of log lines"
    )
    log_format: Annotated[Literal["auto", "text", "json"], any_case] = Field(
        "auto", description="form of log lines; auto is text on a terminal and JSON elsewhere"
    )
    log_content: bool = Field(
        False, description="write prompts and answers to the log; they contain what people said"
    )
    env: Annotated[Literal["development", "production"], any_case] = Field(
        "development",
        validation_alias=named("ENV", unprefixed="ENV"),
        description="production refuses to start with a public address and no API key, or with "
        "gRPC open to clients without a certificate",
    )
    enable_warm_up: bool = Field(True, description="decode one token before reporting ready")
    drain_settle_s: float = Field(
        2,
        ge=0,
        le=60,
        description="seconds after SIGTERM during which late requests are still accepted",
    )
    drain_timeout_s: float = Field(
        30, ge=0, le=3600, description="seconds that running requests get to finish at shutdown"
    )
    stall_timeout_s: float = Field(
        60,
        ge=0,
        le=3600,
        description="seconds with work but without a finished step after which the engine process "
        "is replaced, or the service not ready if it has none; 0 for never",
    )
