# SPDX-License-Identifier: AGPL-3.0-only
"""`doctor`: what is wrong with this set-up, and what to do about it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sentiric_llama.commands._settings import add_model, add_settings, resolved_of
from sentiric_llama.commands.parser import Parser
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.host.printable import printable_line
from sentiric_llama.host.terminal import DIM, Terminal
from sentiric_llama.locale.messages import say, say_error

if TYPE_CHECKING:
    from sentiric_llama.checkup.finding import Finding
    from sentiric_llama.settings.load import Resolved

EXAMPLES = """\
  {program} doctor
  {program} doctor ./model.gguf --contexts 16
"""
MARKS = ("✔", "!", "✖")
LABELS = {"processor": "CPU", "graphics": "GPU"}
"""Parts that people call otherwise than programs do."""
COLORS = ("green", "yellow", "red")


def add_arguments(parser: Parser) -> None:
    """MODEL and the settings of the start to look at."""
    parser.epilog = EXAMPLES
    add_model(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """One line for each finding. Exits like a start would, for the first problem."""
    from sentiric_llama.checkup.finding import exit_code

    findings = look(arguments)
    if terminal.as_json:
        terminal.answer_json([as_json(item) for item in findings])
    else:
        for item in findings:
            show(item, terminal)
    return exit_code(findings)


def look(arguments: argparse.Namespace) -> list[Finding]:
    """Every finding. With bad settings the rest is looked at with the defaults."""
    from sentiric_llama.checkup import build, model, place, ports, sandbox
    from sentiric_llama.checkup.finding import examine, problem
    from sentiric_llama.settings.config import Settings
    from sentiric_llama.settings.load import Resolved

    found: list[Finding] = []
    resolved: Resolved
    try:
        resolved = resolved_of(arguments)
    except SentiricLlamaError as error:
        found.append(problem("settings", error.code, "{reason}", reason=error.what))
        resolved = Resolved(Settings.model_validate({}), {})
    checks = (
        place.check_settings,
        build.check_python,
        build.check_engine,
        model.check_model,
        place.check_certificates,
        ports.check_ports,
        place.check_limits,
        sandbox.check_sandbox,
        place.check_hub,
    )
    return [*found, *examine(resolved, checks)]


def as_json(item: Finding) -> dict[str, str]:
    """In English, whatever the language is."""
    text, fix = item.text.format(**item.values), item.fix.format(**item.values)
    return {"check": item.name, "level": item.level.name.lower(), "text": text, "fix": fix}


def show(item: Finding, terminal: Terminal) -> None:
    """A mark, the part, what was found, and under it what to do."""
    name = say(LABELS.get(item.name, item.name))
    values = {key: say_error(str(value)) for key, value in item.values.items()}
    text = printable_line(f"{name:<12} {say(item.text, **values)}")
    fix = f"\n{'':14} → {printable_line(say(item.fix, **values))}" if item.fix else ""
    if not terminal.draws_answers:
        terminal.answer(f"{item.level.name.lower():<8} {text}{fix}")
        return
    mark = (f"{MARKS[item.level]} ", COLORS[item.level])
    terminal.answer_styled([mark, (text, ""), (fix, DIM)])
