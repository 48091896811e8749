# SPDX-License-Identifier: AGPL-3.0-only
"""The profiles that a running service can switch to.

The file is read again each time, so that profiles can be added without a restart. Flags, variables
and the configuration file keep their values of the start and win over every profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.layers import MODEL_CHOICE, Given, Layer, merge, text_in
from sentiric_llama.settings.load import settings_from
from sentiric_llama.settings.names import PREFIX
from sentiric_llama.settings.profile_file import ProfileFile, find_profiles, read_profiles

MODEL_OF_THE_START = MODEL_CHOICE | {"model_revision", "model_sha256", "draft_model"}
"""Settings that a profile with a model overrides, as the caller wants that model."""


def hidden_by_a_model(above: Layer) -> frozenset[str]:
    """The settings that such a profile overrides; speculation too if it needs a draft model."""
    asks_for_draft = text_in(above, "speculation") == "draft"
    return MODEL_OF_THE_START | ({"speculation"} if asks_for_draft else set())


class Profiles:
    """`above` holds the values that win over every profile, as in `load.Resolved`."""

    def __init__(self, above: Layer | None = None) -> None:
        self._above = above or {}

    def file(self) -> ProfileFile:
        """Reads the file. Raises InvalidArgument if there is none or it is broken."""
        path = self._path()
        if path is None:
            raise InvalidArgument(
                "no profiles.json in the working directory or in MODEL_DIR; "
                f"{PREFIX}PROFILES_PATH names a file elsewhere",
                where="profile",
            )
        return read_profiles(path)

    def is_there(self) -> bool:
        """True if a file was found or named, and exists."""
        path = self._path()
        return path is not None and path.exists()

    def _path(self) -> Path | None:
        return find_profiles(
            text_in(self._above, "profiles_path"), text_in(self._above, "model_dir")
        )

    def settings(self, name: str) -> Settings:
        """The service's settings with this profile. Raises InvalidArgument."""
        layer = self.file().layer(name)
        names_model = not {"model_id", "model_filename"}.isdisjoint(layer)
        hidden = hidden_by_a_model(self._above) if names_model else frozenset()
        above = {key: given for key, given in self._above.items() if key not in hidden}
        settings = settings_from(merge([above, layer]))
        return settings.model_copy(update={"profile": name})


def with_changes(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """The settings with some values changed. Raises InvalidArgument naming bad values."""
    values = {name: getattr(settings, name) for name in settings.model_fields_set} | dict(changes)
    return settings_from({name: Given(value, name, "request") for name, value in values.items()})
