# SPDX-License-Identifier: AGPL-3.0-only
"""Every setting, defined once: name, type, range, default and help text.

The fields are in `sections/`. Flags, variables, file keys, help texts and docs/settings.md are
derived from them; run `make reference` after a change. `load_settings` merges the sources.
"""

from __future__ import annotations

from sentiric_llama.settings.describe import describe
from sentiric_llama.settings.names import PREFIX as PREFIX
from sentiric_llama.settings.sections.authentication import Authentication
from sentiric_llama.settings.sections.engine import Engine
from sentiric_llama.settings.sections.kinds import Section
from sentiric_llama.settings.sections.model import Model
from sentiric_llama.settings.sections.network import Network
from sentiric_llama.settings.sections.observability import Observability
from sentiric_llama.settings.sections.requests import Requests
from sentiric_llama.settings.sections.tls import Tls
from sentiric_llama.settings.table import FieldHelp

SECTIONS: tuple[type[Section], ...] = (
    Network,
    Authentication,
    Tls,
    Model,
    Engine,
    Requests,
    Observability,
)
"""In the order of the help texts."""


# In reverse order: pydantic puts the fields of the last base first.
class Settings(Observability, Requests, Engine, Model, Tls, Authentication, Network):
    """The service's settings, frozen. `load_settings` makes them."""


def describe_fields() -> list[FieldHelp]:
    """All settings in the order of their definition."""
    titles = {next(iter(kind.model_fields)): kind.TITLE for kind in SECTIONS}
    return describe(Settings, PREFIX, titles)
