# SPDX-License-Identifier: AGPL-3.0-only
"""`config show|check|schema`: what the settings are, whether they hold, what they may be."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands._settings import add_settings, resolved_of
from sentiric_llama.commands.parser import Parser
from sentiric_llama.host.terminal import Terminal, error_as_json
from sentiric_llama.locale.messages import say, say_error

if TYPE_CHECKING:
    from sentiric_llama.settings.load import Resolved

EXAMPLES = """\
  {program} config show --origin
  {program} config check --config production.toml
  {program} config schema > sentiric-llama.schema.json
"""


def add_arguments(parser: Parser) -> None:
    """The action, and the settings as flags: what `serve` would make of them."""
    parser.epilog = EXAMPLES
    text = say("show the settings, check them, or print their JSON schema")
    parser.add_argument("action", choices=("show", "check", "schema"), help=text)
    text = say("show the source of each value")
    parser.add_argument("--origin", action="store_true", help=text)
    text = say("check: fail on warnings, such as those of unknown variables")
    parser.add_argument("--strict", action="store_true", help=text)
    add_settings(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Answers; bad settings end with the exit code of a bad argument."""
    actions = {"show": show, "check": check, "schema": schema}
    return actions[arguments.action](arguments, terminal)


def show(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Every setting with its value; secrets only as being there."""
    rows = list(_rows(resolved_of(arguments)))
    if terminal.as_json:
        terminal.answer_json({name: {"value": v, "origin": o} for name, v, o in rows})
        return 0
    header = [say("setting"), say("value"), *([say("origin")] if arguments.origin else [])]
    texts = ([name, _text(v), *([o] if arguments.origin else [])] for name, v, o in rows)
    terminal.answer_table(header, texts)
    return 0


def check(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Says what would stop or trouble a start. Exits as the start would.

    Warnings alone are 0, with `--strict` 1.
    """
    from sentiric_llama.server.preflight import known_before_listening

    remarks = list(known_before_listening(resolved_of(arguments)))
    warnings = [remark.text for remark in remarks if remark.error is None]
    errors = [remark.error for remark in remarks if remark.error is not None]
    is_ok = not errors and not (warnings and arguments.strict)
    if terminal.as_json:
        shown = [error_as_json(error) for error in errors]
        terminal.answer_json({"ok": is_ok, "errors": shown, "warnings": warnings})
    else:
        for line in warnings:
            terminal.note(say("warning: {text}", text=say_error(line)))
        for error in errors:
            terminal.fail(error)
        if is_ok:
            terminal.answer(say("the settings are valid"))
        elif not errors:
            terminal.note(say("the warnings fail the check (--strict)"))
    return errors[0].mapping.exit_code if errors else int(not is_ok)


def schema(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """The JSON schema of a configuration file."""
    from sentiric_llama.settings.config import Settings
    from sentiric_llama.settings.schema import file_schema

    terminal.answer_json(file_schema(Settings))
    return 0


def _rows(resolved: Resolved) -> Iterator[tuple[str, Any, str]]:
    from pydantic import SecretStr

    for name, value in resolved.settings:
        shown = "(set)" if isinstance(value, SecretStr) else value
        given = resolved.given.get(name)
        origin = say("default") if given is None else _origin(given.key, given.origin)
        yield name, shown, origin


def _origin(key: str, origin: str) -> str:
    return key if origin == "flag" or " in " in key else f"{origin} {key}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\n", "\\n")
