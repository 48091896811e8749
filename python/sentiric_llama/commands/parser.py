# SPDX-License-Identifier: AGPL-3.0-only
"""The whole command line as one parser, in the chosen language."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from typing import Any, NoReturn

from sentiric_llama.commands.table import COMMAND_OF, COMMANDS, Command
from sentiric_llama.host.terminal import (
    COLORS,
    Terminal,
    put,
)
from sentiric_llama.locale.messages import LANGUAGES, say

PROGRAMS = ("sentiric-llama", "llm_cli")
USAGE_ERROR = 2


def full_parser(program: str = PROGRAMS[0]) -> argparse.ArgumentParser:
    """The parser with every command's arguments, for completion and the reference page."""
    return build_parser(list(COMMAND_OF), program)[0]


def build_parser(
    words: Iterable[str], program: str = PROGRAMS[0]
) -> tuple[Parser, dict[str, argparse.ArgumentParser]]:
    """The whole command line, and the parsers of the commands by name.

    Only commands among `words` get their arguments: the others' modules are not imported.
    """
    wanted = set(words)
    parser = Parser(prog=program, description=say("An LLM service on llama.cpp."))
    add_common(parser)
    parser.add_argument("--version", action=_PrintVersion, help=say("print the version"))
    commands = parser.add_subparsers(
        dest="command", metavar=say("COMMAND"), title=say("commands"), prog=program
    )
    parser.set_defaults(command=None)
    by_name: dict[str, argparse.ArgumentParser] = {}
    for command in COMMANDS:
        names = (command.name, *command.aliases)
        made = add_command(commands, command, is_wanted=not wanted.isdisjoint(names))
        by_name |= dict.fromkeys(names, made)
    return parser, by_name


def add_command(commands: Any, command: Command, *, is_wanted: bool) -> argparse.ArgumentParser:
    """One command; its arguments too when it is wanted."""
    text = say(command.help)
    made: Parser = commands.add_parser(
        command.name,
        aliases=command.aliases,
        help=text,
        description=text[:1].upper() + text[1:] + ".",
    )
    if is_wanted:
        command.load().add_arguments(made)
        add_common(made, is_command=True)
    if made.epilog:
        program = made.prog.split()[0]
        made.epilog = say("examples:") + "\n" + made.epilog.format(program=program)
    return made


def add_common(parser: argparse.ArgumentParser, *, is_command: bool = False) -> None:
    """Options that stand before or after the command; after it they win."""

    def add(*names: str, default: Any, **options: Any) -> None:
        group.add_argument(*names, default=argparse.SUPPRESS if is_command else default, **options)

    group = parser.add_argument_group(say("global options"))
    group.add_argument("-h", "--help", action="help", help=say("show this help and leave"))
    text = say("answer in JSON")
    add("--json", action="store_true", default=False, help=text)
    text = say("only answers and errors")
    add("-q", "--quiet", action="store_true", default=False, help=text)
    add("--lang", choices=LANGUAGES, default=None, help=say("language of texts for people"))
    add("--color", choices=COLORS, default="auto", help=say("colours and tables"))


class Parser(argparse.ArgumentParser):
    """argparse with exact flags, translated headings, and a suggestion for a mistyped command."""

    def __init__(self, **options: Any) -> None:
        fixed = {"add_help": False, "allow_abbrev": False, "formatter_class": _Formatter}
        super().__init__(**(options | fixed))
        self._positionals.title = say("arguments")
        self._optionals.title = say("options")

    def error(self, message: str) -> NoReturn:
        """Usage errors: what is wrong and where to read more. Exits with 2."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}{_suggestion(message)}\n" + self._more())

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help and errors, which repeat what was typed."""
        put(message, file)

    def _more(self) -> str:
        return say("see {command}", command=f"{self.prog} --help") + "\n"


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)

    def _format_action(self, action: argparse.Action) -> str:
        """Commands stand in their list at once, without a line for the word COMMAND."""
        if isinstance(action, argparse._SubParsersAction):
            return "".join(map(self._format_action, action._get_subactions()))
        return super()._format_action(action)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """`-n, --max-tokens N`: the value once."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"

    def _metavar_formatter(self, action: argparse.Action, default_metavar: str) -> Any:
        """Names of values in the language of the texts; choices are the values themselves."""
        plain = super()._metavar_formatter(action, default_metavar)
        if action.metavar is None:
            return plain
        return lambda size: tuple(map(say, plain(size)))

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, say("usage: ") if prefix is None else prefix)


class _PrintVersion(argparse.Action):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"nargs": 0, "default": argparse.SUPPRESS})

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from sentiric_llama.host.product import version

        Terminal().answer(version())
        parser.exit(0)


def _suggestion(message: str) -> str:
    """The nearest of the words that argparse lists as choices, when a typing error is likely."""
    _, is_choice, rest = message.partition("invalid choice: ")
    got = rest.split("'")[1:2]
    if not is_choice or not got:
        return ""
    near = difflib.get_close_matches(got[0], rest.replace("'", " ").replace(",", " ").split()[1:])
    return "; " + say("did you mean {word}?", word=near[0]) if near else ""
