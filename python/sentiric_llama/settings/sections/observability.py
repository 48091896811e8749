# SPDX-License-Identifier: AGPL-3.0-only
"""What the service reports, and how its life begins and ends."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr

from sentiric_llama.settings.sections.kinds import Section, any_case


class Observability(Section):
    """Metrics, logs, readiness."""

    TITLE: ClassVar[str] = "Observability and lifecycle"

    metrics_port: int = Field(
        16072, ge=0, le=65535, description="port of Prometheus metrics; 0 picks a free one"
    )
    metrics_enabled: bool = Field(True, description="serve Prometheus metrics")
    metrics_key: SecretStr | None = Field(
        None, min_length=1, description="bearer token that scrapers must send"
    )
    log_format: Annotated[Literal["auto", "text", "json"], any_case] = Field(
        "auto", description="form of log lines; auto is text on a terminal and JSON elsewhere"
    )
    log_content: bool = Field(
        False, description="write prompts and answers to the log; they contain what people said"
    )
    enable_warm_up: bool = Field(True, description="decode one token before reporting ready")
    drain_settle_s: float = Field(
        2,
        ge=0,
        le=60,
        description="seconds after SIGTERM during which late requests are still accepted",
    )
    stall_timeout_s: float = Field(
        60,
        ge=0,
        le=3600,
        description="seconds with work but without a finished step after which the service is "
        "not ready; 0 for never",
    )
