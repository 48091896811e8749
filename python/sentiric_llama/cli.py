# SPDX-License-Identifier: AGPL-3.0-only
"""The commands. Flags are derived from the fields of `config.Settings`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from sentiric_llama.certs import add_certs_command, run_certs
from sentiric_llama.config import FieldHelp, describe_fields, load_settings
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.log import version

EXAMPLES = """\
examples:
  sentiric-llama serve                                   the built-in guide, nothing to download
  sentiric-llama serve ggml-org/gemma-3-1b-it-GGUF       a repository on the Hugging Face hub
  sentiric-llama serve org/repo:Q8_0 --contexts 8        one of its files, 8 requests at a time
  sentiric-llama serve ./model.gguf --http-port 8080     a local file
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `sentiric-llama` and `llm_cli`. Returns the exit code."""
    parser = build_parser()
    arguments = vars(parser.parse_args(argv))
    command = arguments.pop("command", None)
    if command == "certs":
        return run_certs(argparse.Namespace(**arguments))
    if command != "serve":
        parser.print_help()
        return 2
    try:
        settings = load_settings(**overrides_of(arguments))
    except SentiricLlamaError as error:
        print(f"sentiric-llama: {error}", file=sys.stderr)
        return error.mapping.exit_code
    from sentiric_llama import serve  # late: --help does not need a web server

    return serve.run(settings)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="sentiric-llama", description="An LLM service on llama.cpp."
    )
    parser.add_argument("--version", action="version", version=version())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="answer over HTTP",
        description="Loads a model and answers over HTTP.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument(
        "model", nargs="?", metavar="MODEL", help="a path, org/repo[:QUANT] or guide"
    )
    for field in describe_fields():
        add_flag(serve, field)
    add_certs_command(commands)
    return parser


def add_flag(parser: argparse.ArgumentParser, field: FieldHelp) -> None:
    """One flag; its value stays text, the settings class parses and checks it."""
    default = "" if field.default in (None, "", ()) else f"; default {field.default}"
    text = f"{field.help} ({field.allowed}{default}) [{field.env[0]}]".replace("%", "%%")
    if field.is_bool:
        parser.add_argument(
            field.flag, help=text, action=argparse.BooleanOptionalAction, default=None
        )
    else:
        parser.add_argument(field.flag, help=text, default=None, metavar="VALUE")


def overrides_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """Settings that were given as flags; MODEL replaces whatever the environment names."""
    model = arguments.pop("model", None)
    given = {name: value for name, value in arguments.items() if value is not None}
    if model is not None:
        given = {"model_path": "", "model_filename": ""} | given | {"model_id": model}
    return given


if __name__ == "__main__":
    sys.exit(main())
