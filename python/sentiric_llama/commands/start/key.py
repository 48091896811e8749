# SPDX-License-Identifier: AGPL-3.0-only
"""`key new|list|revoke`: the keys in KEYS_FILE. A running server takes a change over by itself."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sentiric_llama.commands._numbers import count
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.product import PREFIX
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

ROLES, RIGHTS = ("user", "metrics", "admin"), ("realtime",)  # as access/ has them; no import here
MOST_DAYS = 36_500
NO_NAME = "missing key name; see: sentiric-llama key --help"
NO_FILE = f"no key file; set one with --keys-file or {PREFIX}KEYS_FILE"
EXAMPLES = """\
  {program} key new app --keys-file keys.json
  {program} key new batch --model gemma-3-1b-it --requests-per-minute 60 --concurrency 4
  {program} key list
  {program} key revoke app
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The action, the file, and what a new key may do."""
    parser.epilog = EXAMPLES
    text = say("make a key, list the keys, or revoke one")
    parser.add_argument("action", choices=("new", "list", "revoke"), help=text)
    parser.add_argument("name", nargs="?", metavar="NAME", help=say("name of the key"))
    text = say("the file of keys") + f" [{PREFIX}KEYS_FILE]"
    parser.add_argument("--keys-file", metavar="FILE", default=None, help=text)
    text = say("a TOML file with settings, see docs/settings.md")
    parser.add_argument("--config", metavar="FILE", default=None, help=text)
    made = parser.add_argument_group(say("options for key new"))
    repeatable: dict[str, Any] = {"action": "append", "default": []}
    text = say("what it may do; repeatable (default: user)")
    made.add_argument("--role", choices=ROLES, dest="roles", help=text, **repeatable)
    text = say("priority class that it may use; repeatable")
    made.add_argument("--right", choices=RIGHTS, dest="rights", help=text, **repeatable)
    text = say("model that it may use; repeatable (default: all)")
    made.add_argument("--model", metavar="NAME", dest="models", help=text, **repeatable)
    text = say("tenant it may act for, or *; repeatable")
    made.add_argument("--tenant", metavar="TENANT", dest="tenants", help=text, **repeatable)
    numbers = {
        "--requests-per-minute": say("requests that it may send in a minute"),
        "--tokens-per-minute": say("tokens of prompts and answers in a minute"),
        "--concurrency": say("calls that may run at the same time"),
    }
    for flag, text in numbers.items():
        made.add_argument(flag, type=count(most=1_000_000_000), metavar="N", help=text)
    text = say("days of validity (default: no end)")
    made.add_argument("--days", type=count(most=MOST_DAYS), metavar="N", help=text)
    text = say("read the key from standard input instead of making one")
    made.add_argument("--from-stdin", action="store_true", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Changes or shows the file. A new key is printed once and is nowhere else."""
    path = _path(arguments)
    if arguments.action == "list":
        return _list(path, terminal)
    if not arguments.name:
        raise InvalidArgument(NO_NAME, where=f"key {arguments.action}")
    if arguments.action == "new":
        return _new(arguments, path, terminal)
    from sentiric_llama.settings.keys_file import revoke_key

    revoke_key(path, arguments.name)
    if terminal.as_json:
        terminal.answer_json({"revoked": arguments.name, "file": str(path)})
    else:
        terminal.note(say("revoked {name}; its running requests continue", name=arguments.name))
    return 0


def _path(arguments: argparse.Namespace) -> Path:
    from sentiric_llama.settings.load import resolve_part

    given = {} if arguments.keys_file is None else {"keys_file": arguments.keys_file}
    found = resolve_part(("keys_file",), arguments.config or "", **given).settings.keys_file
    if not found:
        raise InvalidArgument(NO_FILE, where="key")
    return Path(found).expanduser()


def _new(arguments: argparse.Namespace, path: Path, terminal: Terminal) -> int:
    from sentiric_llama.host.standard_input import text_of_input
    from sentiric_llama.settings.keys_file import add_key, given_key, make_key

    key = given_key(text_of_input()) if arguments.from_stdin else make_key()
    add_key(path, arguments.name, key, _fields(arguments))
    if terminal.as_json:
        shown = {} if arguments.from_stdin else {"key": key}
        terminal.answer_json({"name": arguments.name, **shown, "file": str(path)})
        return 0
    if arguments.from_stdin:
        terminal.note(say("added {name} to {file}", name=arguments.name, file=path))
        return 0
    terminal.answer(key)
    text = say(
        "save the key of {name} now; {file} stores only its hash", name=arguments.name, file=path
    )
    terminal.note(text)
    return 0


def _fields(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of the entry that were given."""
    fields: dict[str, Any] = {"roles": arguments.roles or ["user"]}
    fields |= {
        name: values
        for name in ("rights", "models", "tenants")
        if (values := getattr(arguments, name))
    }
    for name in ("requests_per_minute", "tokens_per_minute", "concurrency"):
        if (value := getattr(arguments, name)) is not None:
            fields[name] = int(value)
    if arguments.days is not None:
        end = datetime.now(UTC) + timedelta(days=arguments.days)
        fields["expires"] = end.isoformat(timespec="seconds").replace("+00:00", "Z")
    return fields


def _list(path: Path, terminal: Terminal) -> int:
    from sentiric_llama.settings.keys_file import listed_keys

    found = listed_keys(path)
    if terminal.as_json:
        terminal.answer_json(found)
        return 0
    if not found:
        terminal.note(say("{file} has no keys", file=path))
        return 0
    words = ("NAME", "ROLES", "MODELS", "REQUESTS/MIN", "TOKENS/MIN", "CONCURRENT")
    header = [say(word) for word in (*words, "TENANTS", "EXPIRES", "KEY")]
    terminal.answer_table(header, map(_row, found))
    return 0


def _row(shown: dict[str, Any]) -> list[str]:
    limits = ("requests_per_minute", "tokens_per_minute", "concurrency")
    return [
        shown["name"],
        "+".join([*shown["roles"], *shown["rights"]]),
        ", ".join(shown["models"]),
        *(str(shown[name] or "-") for name in limits),
        ", ".join(shown["tenants"]) or "-",
        shown["expires"] or "-",
        f"…{shown['last4']}" if shown["last4"] else "-",
    ]
