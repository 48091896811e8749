# SPDX-License-Identifier: AGPL-3.0-only
"""The settings as flags. They come from the generated table: no import of pydantic for a help."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands._llama_flags import ALIASES, ANSWERS, MODEL_ALIASES
from sentiric_llama.commands.parser import HelpAll, Parser
from sentiric_llama.locale.messages import say
from sentiric_llama.settings.table import FieldHelp, setting_table

if TYPE_CHECKING:
    from sentiric_llama.settings.config import Settings
    from sentiric_llama.settings.load import Resolved


COMMON = (
    *("host", "http_port", "api_key", "tls", "contexts", "context_size", "compute_threads"),
    *("gpu_layers", "profile", "log_level"),
)
"""What `--help` shows; `--help-all` has every setting."""


def add_model(parser: argparse.ArgumentParser) -> None:
    """MODEL, and llama-server's flags for it."""
    text = say("a path, org/repo[:QUANT] or guide")
    parser.add_argument("model", nargs="?", metavar="MODEL", help=text)
    parser.add_argument(
        *MODEL_ALIASES, dest="model_flag", default=None, metavar="MODEL", help=argparse.SUPPRESS
    )


def add_settings(parser: Parser) -> None:
    """`--config` and one flag for each setting, grouped as the settings class groups them."""
    positional = [a.metavar for a in parser._actions if a.metavar and not a.option_strings]
    words = " ".join(f"[{name}]" for name in positional)
    parser.usage = f"%(prog)s [--SETTING {say('VALUE')}]... {words}".rstrip()
    parser.add_argument(
        "--config", metavar="FILE", help=say("a TOML file with settings, see docs/settings.md")
    )
    parser.add_argument("--help-all", action=HelpAll, help=say("show every setting and exit"))
    parser.answers = ANSWERS
    groups: dict[str, argparse._ArgumentGroup] = {}
    fields = setting_table()
    texts = {field.name: f"{say(field.help)}{_default_of(field)}" for field in fields}
    parser.common = {name: texts[name] for name in COMMON}
    for field in fields:
        if field.section not in groups:
            groups[field.section] = parser.add_settings_group(say(field.section))
        add_flag(groups[field.section], field)


def add_flag(group: argparse._ArgumentGroup, field: FieldHelp) -> None:
    """One flag; its value stays text, the settings class parses and checks it."""
    text = f"{say(field.help)} ({describe(field)}) [{field.env[0]}]".replace("%", "%%")
    if field.is_bool:
        group.add_argument(
            field.flag, help=text, action=argparse.BooleanOptionalAction, default=None
        )
    else:
        group.add_argument(field.flag, help=text, default=None, metavar=say("VALUE"))
    if field.is_secret:  # a value on the command line can be read by every user of the machine
        text = say("a file that contains it") + f" [{field.env[0]}_FILE]"
        group.add_argument(f"{field.flag}-file", help=text, default=None, metavar=say("FILE"))
    if aliases := ALIASES.get(field.name):
        group.add_argument(*aliases, dest=field.name, default=None, help=argparse.SUPPRESS)


def _default_of(field: FieldHelp) -> str:
    return f" ({say('default {value}', value=field.default)})" if field.default else ""


def describe(field: FieldHelp) -> str:
    """What is allowed and what it is without a value."""
    parts = [allowed_of(field), field.unit and say(field.unit)]
    if field.default not in (None, "", (), []):
        value = str(field.default).lower() if field.is_bool else field.default
        parts.append(say("default {value}", value=value))
    return "; ".join(part for part in parts if part)


def allowed_of(field: FieldHelp) -> str:
    """What is allowed, the words of it in the language of the texts."""
    for word in ("an integer", "a number", "text"):
        if field.allowed.startswith(word):
            rest = field.allowed.removeprefix(word).replace("above", say("above"))
            return say(word) + rest
    return field.allowed


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of this run. Raises InvalidArgument naming what is wrong."""
    return resolved_of(arguments).settings


def resolved_of(arguments: argparse.Namespace) -> Resolved:
    """The same with where each value came from."""
    from sentiric_llama.settings.load import resolve_settings

    return resolve_settings(arguments.config or "", **overrides_of(vars(arguments)))


def overrides_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """Settings that were given as flags; MODEL replaces whatever the environment names."""
    names: set[str] = set()
    for field in setting_table():
        names |= {field.name, f"{field.name}_file"} if field.is_secret else {field.name}
    given = {k: v for k, v in arguments.items() if k in names and v is not None}
    model = next((m for m in map(arguments.get, ("model", "model_flag")) if m is not None), None)
    if model is not None:
        given = {"model_path": "", "model_filename": ""} | given | {"model_id": model}
    return given
