# SPDX-License-Identifier: AGPL-3.0-only
"""Which model is loaded, and where it comes from."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sentiric_llama.settings.sections.kinds import NameList, Section, named


class Model(Section):
    """The model, its adapters and profiles."""

    TITLE: ClassVar[str] = "Model"

    model_id: str = Field(
        "", description="Hugging Face repository (org/repo, org/repo:QUANT), a path, or guide"
    )
    model_filename: str = Field(
        "", description="file in the repository; without MODEL_ID, a file in MODEL_DIR"
    )
    model_revision: str = Field(
        "main", min_length=1, description="branch, tag or commit of the repository"
    )
    model_sha256: NameList = Field(
        (), description="SHA-256 of the model file; one per part of a split model, comma-separated"
    )
    model_path: str = Field("", description="path of a GGUF file; takes precedence over MODEL_ID")
    model_dir: str = Field("", description="directory searched first for model files")
    lora_dir: str = Field("", description="directory of LoRA adapters that requests may select")
    max_adapters: int = Field(8, ge=1, le=64, description="LoRA adapters kept in memory")
    model_alias: NameList = Field(
        (),
        validation_alias=named("MODEL_ALIAS", "MODEL_ALIASES"),
        description="names the model answers to, comma-separated; the first one is shown, * is "
        "any name",
    )

    profile: str = Field("", description="profile in profiles.json; empty for its active one")
    profiles_path: str = Field(
        "",
        description="path of profiles.json; empty searches the working directory and MODEL_DIR",
    )
