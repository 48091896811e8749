# SPDX-License-Identifier: AGPL-3.0-only
"""Writes what is derived from the sources: `make reference`. Tests compare it with the files.

docs/settings.md and settings/table.json come from the settings class, the second half of
docs/cli.md from the parsers of the commands and the table of errors, the rights in docs/security.md
from the declarations of the routes and methods, the fields of requests from the models of bodies,
the signatures of the library from its sources.
"""

from __future__ import annotations

import argparse
import json
import site
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import sentiric_llama

# The sources are read, and of the installed package only the extension modules.
sentiric_llama.__path__ += [f"{path}/sentiric_llama" for path in site.getsitepackages()]

sys.path.insert(0, str(Path(__file__).parent))

import field_tables
import library_tables

from sentiric_llama import cli
from sentiric_llama.access.rights import Access
from sentiric_llama.commands.table import COMMANDS, Command
from sentiric_llama.errors import ERROR_TABLE
from sentiric_llama.http.anthropic.body import MessagesBody
from sentiric_llama.http.app import api_routes
from sentiric_llama.http.openapi import openapi
from sentiric_llama.http.responses.body import ResponsesBody
from sentiric_llama.http.routes.metrics import metrics_routes
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.rpc.server import declared_methods
from sentiric_llama.settings import names, table
from sentiric_llama.settings.config import PREFIX, describe_fields
from sentiric_llama.settings.table import FieldHelp

DOCS = Path(__file__).parent
MARK = "<!-- What follows is written by `make reference`. -->\n"


def pages() -> dict[Path, str]:
    """Every derived file with the text it should have."""
    fields = describe_fields()
    return {
        table.PATH: table.to_json(fields),
        DOCS / "settings.md": with_generated(DOCS / "settings.md", settings_page(fields)),
        DOCS / "cli.md": with_generated(DOCS / "cli.md", commands_page()),
        DOCS / "openapi.json": json.dumps(openapi(api_routes()), indent=1, ensure_ascii=False)
        + "\n",
        DOCS / "security.md": with_generated(DOCS / "security.md", rights_page()),
        DOCS / "http-fields.md": with_generated(
            DOCS / "http-fields.md", field_tables.all_fields(grid)
        ),
        DOCS / "library-names.md": with_generated(
            DOCS / "library-names.md", library_tables.signatures(grid)
        ),
        DOCS / "messages-api.md": with_fields(DOCS / "messages-api.md", MessagesBody),
        DOCS / "responses-api.md": with_fields(DOCS / "responses-api.md", ResponsesBody),
    }


def with_generated(path: Path, text: str) -> str:
    """The page's own words up to the mark, and the derived ones after it."""
    return path.read_text("utf-8").partition(MARK)[0] + MARK + "\n" + text


def with_fields(path: Path, kind: type[Body]) -> str:
    """The page with the table of a body between its marks."""
    before, _, rest = path.read_text("utf-8").partition(FIELDS)
    return (
        before
        + FIELDS
        + field_tables.table(kind, grid)
        + END_OF_FIELDS
        + rest.split(END_OF_FIELDS)[1]
    )


FIELDS, END_OF_FIELDS = "<!-- fields, written by `make reference` -->\n", "<!-- end of fields -->"


def grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    cells = ([cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


def settings_page(fields: list[FieldHelp]) -> str:
    """A table for each section, and the names that need a word."""
    parts = []
    for section, group in groupby(fields, lambda field: field.section):
        parts.append(f"## {section[:1].upper()}{section[1:]}\n\n{grid(HEADER, map(row, group))}")
    old = [(f"`{name}`", f"`{new}`") for name, (new, _) in names.DEPRECATED.items()]
    gone = [(f"`{name}`", why) for name, why in names.RETIRED.items()]
    parts.append("## Old names\n\nThey keep working, with a line in the log.\n\n")
    parts[-1] += grid(["variable", "use"], old)
    parts.append("## Names without effect\n\n" + grid(["variable", "why"], gone))
    return "\n".join(parts)


HEADER = ["file key", "flag", "variable", "default", "allowed", "meaning"]


def row(field: FieldHelp) -> list[str]:
    """One setting. Variables are without their prefix where they have it."""
    flag = f"{field.flag}, --no-{field.flag[2:]}" if field.is_bool else field.flag
    env = [name.removeprefix(PREFIX) if name.startswith(PREFIX) else f"{name} (as it is)"
           for name in field.env]  # fmt: skip
    env += [f"{name}_FILE" for name in env if field.is_secret]
    value = str(field.default).lower() if field.is_bool else str(field.default)
    default = "" if field.default in (None, "", []) else f"`{value}`".replace("\n", "⏎")
    allowed = "; ".join(part for part in (field.allowed, field.unit) if part)
    names_of_env = ", ".join(f"`{name}`" for name in env)
    return [f"`{field.name}`", f"`{flag}`", names_of_env, default, allowed, field.help]


def rights_page() -> str:
    """What every route and every method needs."""
    rows = [
        (f"`{method} {route.path}`", *_access(route.needs))
        for route in (*api_routes(), *metrics_routes())
        for method in sorted(route.methods or ())
        if method != "HEAD"
    ]
    calls = [(f"`{name}`", *_access(needs)) for name, needs in declared_methods().items()]
    parts = [f"## Rights of the HTTP routes\n\n{RULES}\n\n{grid(RIGHTS, rows)}"]
    parts.append("## Rights of the gRPC methods\n\n" + grid(RIGHTS, calls))
    return "\n".join(parts)


RIGHTS = ["what", "roles", "without any key configured"]
RULES = """Without a key, or with one that is not valid, a request is 401; with a key of another
role 403. Both have the format of the API that was called. HEAD needs what GET does. Another
method needs what the first row of the path does, and is 405 with `Allow`. An unknown path needs
the role user, on the metrics port the role metrics, and is 404."""


def _access(needs: Access) -> tuple[str, str]:
    if needs is Access.PUBLIC:
        return "public", "open"
    if needs is Access.ADMIN:
        return "admin", "off (403)"
    return " or ".join(dict.fromkeys((*needs.roles, "admin"))), "open"


def commands_page() -> str:
    """Exit codes and what each command takes."""
    codes: dict[int, list[str]] = {0: ["done"], 1: ["check failed, or an unfinished answer"]}
    codes[cli.USAGE_ERROR] = ["invalid command line"]
    for code, mapping in ERROR_TABLE.items():
        codes.setdefault(mapping.exit_code, []).append(f"`{code}`")
    codes[cli.INTERRUPTED] = ["interrupted"]
    codes[cli.BROKEN_PIPE] = ["output pipe closed (SIGPIPE)"]
    rows = [(str(number), ", ".join(texts)) for number, texts in sorted(codes.items())]
    parts = ["## Exit codes\n\n" + grid(["code", "meaning"], rows)]
    _, parsers = cli.build_parser([command.name for command in COMMANDS])
    parts += [command_text(command, parsers[command.name]) for command in COMMANDS]
    return "\n".join(parts)


def command_text(command: Command, parser: argparse.ArgumentParser) -> str:
    """Usage, meaning, and a row for each argument that is not a setting or common."""
    flags = {field.flag for field in describe_fields()}
    if not flags <= parser._option_string_actions.keys():
        flags = set()  # a command with flags of its own that are called like settings
    flags |= {f"{field.flag}-file" for field in describe_fields() if field.is_secret and flags}
    also = "".join(f", `{alias}`" for alias in command.aliases)
    rows = [
        (f"`{', '.join(action.option_strings) or action.metavar or action.dest}`",
         (action.help or "").replace("%%", "%"))
        for group in parser._action_groups if group.title != "global options"
        for action in group._group_actions
        if flags.isdisjoint(action.option_strings) and action.help != argparse.SUPPRESS
    ]  # fmt: skip
    takes = "\n" + grid(["argument", "meaning"], rows) if rows else ""
    if not flags.isdisjoint(parser._option_string_actions):
        takes += "\nEvery setting is a flag too: [settings](settings.md).\n"
    examples = (
        f"\n```\n{parser.epilog.partition(chr(10))[2].rstrip()}\n```\n" if parser.epilog else ""
    )
    return f"## {command.name}\n\n`{command.name}`{also}: {command.help}.\n{takes}{examples}"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.name)
