# SPDX-License-Identifier: AGPL-3.0-only
"""The command line: finds the verb, builds its parser alone and turns errors into exit codes."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sentiric_llama.commands import VERB_OF, VERBS, Verb
from sentiric_llama.environment import environ
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.messages import LANGUAGES, language_of, say, set_language
from sentiric_llama.terminal import (
    COLORS,
    Terminal,
    forget_output,
    put,
    show_logs_of_libraries,
    tell,
)

PROGRAMS = ("sentiric-llama", "llm_cli")
USAGE_ERROR = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell shows for a writer whose reader left: 128 + SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `sentiric-llama` and `llm_cli`. Returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    set_language(_asked_language(words) or language_of(environ()))
    program = program_name()
    parser, _ = build_parser(words, program)
    arguments = parser.parse_args(words)
    if arguments.verb is None:
        tell(parser.format_help().rstrip("\n"))
        return USAGE_ERROR
    terminal = Terminal(program, arguments.json, arguments.quiet, arguments.color)
    show_logs_of_libraries()
    try:
        return VERB_OF[arguments.verb].load().run(arguments, terminal)
    except SentiricLlamaError as error:
        return terminal.fail(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        forget_output()
        return BROKEN_PIPE
    except Exception as error:
        return terminal.crash(error)


def program_name() -> str:
    """The name it was started by, when it is one of ours."""
    name = Path(sys.argv[0]).name
    return name if name in PROGRAMS else PROGRAMS[0]


def full_parser(program: str = PROGRAMS[0]) -> argparse.ArgumentParser:
    """The parser with every verb's arguments, for completion and the reference page."""
    return build_parser(list(VERB_OF), program)[0]


def build_parser(
    words: Iterable[str], program: str = PROGRAMS[0]
) -> tuple[Parser, dict[str, argparse.ArgumentParser]]:
    """The whole command line, and the parsers of the verbs by name.

    Only verbs among `words` get their arguments: the others' modules are not imported.
    """
    wanted = set(words)
    parser = Parser(prog=program, description=say("An LLM service on llama.cpp."))
    add_common(parser)
    parser.add_argument("--version", action=_PrintVersion, help=say("print the version"))
    verbs = parser.add_subparsers(
        dest="verb", metavar=say("VERB"), title=say("verbs"), prog=program
    )
    parser.set_defaults(verb=None)
    by_name: dict[str, argparse.ArgumentParser] = {}
    for verb in VERBS:
        names = (verb.name, *verb.aliases)
        made = add_verb(verbs, verb, is_wanted=not wanted.isdisjoint(names))
        by_name |= dict.fromkeys(names, made)
    return parser, by_name


def add_verb(verbs: Any, verb: Verb, *, is_wanted: bool) -> argparse.ArgumentParser:
    """One verb; its arguments too when it is wanted."""
    text = say(verb.help)
    made: Parser = verbs.add_parser(
        verb.name, aliases=verb.aliases, help=text, description=text[:1].upper() + text[1:] + "."
    )
    if is_wanted:
        verb.load().add_arguments(made)
        add_common(made, is_verb=True)
    if made.epilog:
        program = made.prog.split()[0]
        made.epilog = say("examples:") + "\n" + made.epilog.format(program=program)
    return made


def add_common(parser: argparse.ArgumentParser, *, is_verb: bool = False) -> None:
    """Options that stand before or after the verb; after it they win."""

    def add(*names: str, default: Any, **options: Any) -> None:
        group.add_argument(*names, default=argparse.SUPPRESS if is_verb else default, **options)

    group = parser.add_argument_group(say("every verb"))
    group.add_argument("-h", "--help", action="help", help=say("show this help and leave"))
    text = say("answer in JSON")
    add("--json", action="store_true", default=False, help=text)
    text = say("only answers and errors")
    add("-q", "--quiet", action="store_true", default=False, help=text)
    add("--lang", choices=LANGUAGES, default=None, help=say("language of texts for people"))
    add("--color", choices=COLORS, default="auto", help=say("colours and tables"))


class Parser(argparse.ArgumentParser):
    """argparse with exact flags, translated headings, and a suggestion for a mistyped verb."""

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
        """Verbs stand in their list at once, without a line for the word VERB."""
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
        from sentiric_llama.log import version

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


def _asked_language(words: Sequence[str]) -> str:
    """The value of `--lang`, which is needed before there is a parser; "" without a known one."""
    text = " ".join(words).replace("--lang ", "--lang=")
    after = text.partition("--lang=")[2].partition(" ")[0]
    return after if after in LANGUAGES else ""


if __name__ == "__main__":
    sys.exit(main())
