# SPDX-License-Identifier: AGPL-3.0-only
"""The whole command line as one parser, in the chosen language."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, cast

from sentiric_llama.commands._formatter import Formatter
from sentiric_llama.commands._usage import LINE, meant, reworded, said_of
from sentiric_llama.commands.table import COMMAND_OF, COMMANDS, Command
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.printable import brief
from sentiric_llama.host.terminal import COLORS, Terminal, print_stderr, put
from sentiric_llama.locale.messages import LANGUAGES, say

PROGRAMS = ("sentiric-llama", "llm_cli")
USAGE_ERROR = 2
MANY = 8
"""Choices beyond this number are not listed."""


def full_parser(program: str = PROGRAMS[0]) -> argparse.ArgumentParser:
    """The parser with every command's arguments, for completion and the reference page."""
    return build_parser(list(COMMAND_OF), program)[0]


def build_parser(
    words: Iterable[str], program: str = PROGRAMS[0]
) -> tuple[Parser, dict[str, Parser]]:
    """The whole command line, and the parsers of the commands by name.

    Only commands among `words` get their arguments: the others' modules are not imported.
    """
    wanted = set(words)
    parser = Parser(prog=program, description=say("Serve and chat with GGUF models."))
    parser.as_json = "--json" in wanted
    add_common(parser)
    parser.add_argument("--version", action=_PrintVersion, help=say("print the version"))
    commands = parser.add_subparsers(
        dest="command", metavar=say("COMMAND"), title=say("commands"), prog=program
    )
    parser.set_defaults(command=None)
    by_name: dict[str, Parser] = {}
    for command in COMMANDS:
        names = (command.name, *command.aliases)
        made = add_command(commands, command, is_wanted=not wanted.isdisjoint(names))
        made.as_json = parser.as_json
        by_name |= dict.fromkeys(names, made)
    return parser, by_name


def add_command(commands: Any, command: Command, *, is_wanted: bool) -> Parser:
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
    group.add_argument("-h", "--help", action="help", help=say("show this help and exit"))
    add("--json", action="store_true", default=False, help=say("print the answer as JSON"))
    text = say("suppress informational output")
    add("-q", "--quiet", action="store_true", default=False, help=text)
    add("--lang", choices=LANGUAGES, default=None, help=say("message language"))
    add("--color", choices=COLORS, default="auto", help=say("colors and tables"))


class Parser(argparse.ArgumentParser):
    """argparse with exact flags, translated headings, suggestions, and a short help if need be."""

    def __init__(self, **options: Any) -> None:
        fixed: dict[str, Any] = {"add_help": False, "allow_abbrev": False, "exit_on_error": False}
        fixed |= {"formatter_class": Formatter}
        super().__init__(**(options | fixed))
        self._positionals.title = say("arguments")
        self._optionals.title = say("options")
        self.as_json = False
        self.common: dict[str, str] = {}
        """Settings that the short help shows -> what it says of them."""
        self.answers: Mapping[str, str] = {}
        """Flags of other programs -> what to use here."""
        self._settings: list[argparse._ArgumentGroup] = []

    def add_settings_group(self, title: str) -> argparse._ArgumentGroup:
        """A group that the short help shows the common flags of."""
        self._settings.append(self.add_argument_group(title))
        return self._settings[-1]

    def parse_args(self, words: Any = None, namespace: Any = None) -> Any:
        """Refuses what is left over in the words of the command it was meant for."""
        found, left = self.parse_known_args(words, namespace)
        if left:
            self._parser_of(found).refuse(left)
        return found

    def parse_known_args(self, words: Any = None, namespace: Any = None) -> Any:
        """argparse's own refusals come out as ours."""
        try:
            return super().parse_known_args(words, namespace)
        except argparse.ArgumentError as error:
            self.fail(said_of(error, self._place))

    def refuse(self, words: Sequence[str]) -> NoReturn:
        """What was not understood, and what was probably meant."""
        flag = next((word for word in words if word[:1] == "-" and word != "-"), "")
        name = flag.partition("=")[0]
        if not name:
            self.error(say("unexpected argument {word}", word=brief(words[0])))
        if answer := self.answers.get(name) or self.answers.get(name.rstrip("0123456789")):
            self.error(f"{name}: {say(answer)}")
        known = [flag for flag in self._option_string_actions if flag.startswith("--")]
        self.error(say("unknown option {word}", word=brief(name)) + meant(name, known))

    def error(self, message: str) -> NoReturn:
        """A refusal of the line as a whole, in our words or argparse's."""
        self.fail(InvalidArgument(reworded(message), where=self._place))

    def fail(self, error: InvalidArgument) -> NoReturn:
        """What is wrong, where, and where to read more. Exits with 2."""
        code = Terminal(self.prog.partition(" ")[0], self.as_json).fail(error)
        if not self.as_json:
            help_flag = "--help-all" if self._settings else "--help"
            print_stderr(say("see {command}", command=f"{self.prog} {help_flag}"))
        self.exit(code)

    @property
    def _place(self) -> str:
        """The command, or `command line` without one."""
        return self.prog.partition(" ")[2] or LINE

    def format_help(self) -> str:
        """Of the settings, the common ones, each in a line or two."""
        return self._format(self._brief if self._settings else self._sections)

    def format_full_help(self) -> str:
        """Every flag."""
        return self._format(self._sections)

    def _format(self, sections: Callable[[], Iterator[_Section]]) -> str:
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        for title, actions in sections():
            formatter.start_section(title)
            formatter.add_arguments(actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def _sections(self) -> Iterator[_Section]:
        for group in self._action_groups:
            yield group.title, group._group_actions

    def _brief(self) -> Iterator[_Section]:
        for group in self._action_groups:
            if group is self._settings[0]:
                yield say("common settings"), self._common_actions()
            if group not in self._settings:
                yield group.title, group._group_actions

    def _common_actions(self) -> list[argparse.Action]:
        actions = {action.dest: action for action in reversed(self._actions)}
        shown = [copy.copy(actions[name]) for name in self.common]
        for action in shown:
            action.help = self.common[action.dest].replace("%", "%%")
        return shown

    def _parser_of(self, found: argparse.Namespace) -> Parser:
        """Of the command that was named; this one without any."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers = cast("dict[str, Parser]", action.choices)
                return parsers.get(getattr(found, action.dest), self)
        return self

    def _get_option_tuples(self, option_string: str) -> Any:
        """`-n5` is `-n 5`; argparse would also take `-c` for the beginning of `-ctk`."""
        found = super()._get_option_tuples(option_string)
        return [item for item in found if len(item[1]) == 2]

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """A wrong choice in one line: the nearest one, and the others when they are few."""
        if action.choices is None or value in action.choices:
            return
        choices = list(map(str, action.choices))
        near = meant(str(value), choices)
        if len(choices) > MANY:
            self.error(say("unknown command {word}", word=brief(value)) + near)
        allowed = say(
            "got {word}, allowed {choices}", word=brief(value), choices=", ".join(choices)
        )
        raise argparse.ArgumentError(action, allowed + near)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help and errors, which repeat what was typed."""
        put(message, file)


_Section = tuple[str | None, Iterable[argparse.Action]]


class HelpAll(argparse.Action):
    """`--help-all`: every flag."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"nargs": 0, "default": argparse.SUPPRESS})

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        assert isinstance(parser, Parser)
        Terminal().answer(parser.format_full_help().rstrip())
        parser.exit(0)


class _PrintVersion(argparse.Action):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"nargs": 0, "default": argparse.SUPPRESS})

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from sentiric_llama.host.product import version

        Terminal().answer(version())
        parser.exit(0)
