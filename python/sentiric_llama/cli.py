# SPDX-License-Identifier: AGPL-3.0-only
"""The command line: finds the command, builds its parser alone and turns errors into exit codes."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from sentiric_llama.commands.parser import PROGRAMS, USAGE_ERROR, build_parser
from sentiric_llama.commands.table import COMMAND_OF
from sentiric_llama.errors import ErrorCode, SentiricLlamaError
from sentiric_llama.host.environment import environ, set_default_variable
from sentiric_llama.host.terminal import (
    OutputFailed,
    Terminal,
    forget_output,
    print_stderr,
    show_logs_of_libraries,
    use_any_encoding,
)
from sentiric_llama.locale.messages import LANGUAGES, language_of, say, say_error, set_language

INTERRUPTED = 130
_PLACE = re.compile(r"((?:\[[^\]]*\] )?)(.*)", re.DOTALL)
BROKEN_PIPE = 141
"""What a shell shows for a writer whose reader left: 128 + SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `sentiric-llama` and `llm_cli`. Returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    use_any_encoding()
    # Or pydantic looks through all installed packages for plugins, at every start.
    set_default_variable("PYDANTIC_DISABLE_PLUGINS", "__all__")
    set_language(_asked_language(words) or language_of(environ()))
    terminal = Terminal(program_name())
    try:
        return _run(words, terminal)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        forget_output()
        return BROKEN_PIPE
    except OutputFailed as error:
        return terminal.fail(error)


def _run(words: Sequence[str], terminal: Terminal) -> int:
    parser, _ = build_parser(words, terminal.program)
    arguments = parser.parse_args(words)
    if arguments.command is None:
        print_stderr(parser.format_help().rstrip("\n"))
        return USAGE_ERROR
    shown = arguments.json, arguments.quiet, arguments.color
    terminal = Terminal(terminal.program, *shown, told)
    show_logs_of_libraries()
    try:
        return COMMAND_OF[arguments.command].load().run(arguments, terminal)
    except OutputFailed:
        raise
    except SentiricLlamaError as error:
        return terminal.fail(error)
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        return terminal.crash(error)


def told(error: SentiricLlamaError) -> str:
    """The text of an error for people: in their language, with what to do about it."""
    # The text of a server's error begins with its place.
    text = _PLACE.sub(lambda found: found[1] + say_error(found[2]), error.what, count=1)
    if error.code is ErrorCode.CONTEXT_LENGTH_EXCEEDED:
        text += "; " + say("shorten the prompt, or open the model with a larger --context-size")
    return text


def program_name() -> str:
    """The name it was started by, when it is one of ours."""
    name = Path(sys.argv[0]).name
    return name if name in PROGRAMS else PROGRAMS[0]


def _asked_language(words: Sequence[str]) -> str:
    """The value of `--lang`, which is needed before there is a parser; "" without a known one."""
    text = " ".join(words).replace("--lang ", "--lang=")
    after = text.partition("--lang=")[2].partition(" ")[0]
    return after if after in LANGUAGES else ""


if __name__ == "__main__":
    sys.exit(main())
