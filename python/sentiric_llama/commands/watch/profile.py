# SPDX-License-Identifier: AGPL-3.0-only
"""`profile list|show|current|init`: what a server can be switched to, or a file holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sentiric_llama.commands._server import add_server, server_of
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

EXAMPLES = """\
  {program} profile list
  {program} profile show gemma3_4b_instruct_q4
  {program} profile list --file profiles.json
  {program} profile init
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The action, and where the profiles are."""
    parser.epilog = EXAMPLES
    text = say("list all, show one, print the active one, or write an example profiles.json")
    parser.add_argument("action", choices=("list", "show", "current", "init"), help=text)
    text = say("name of a profile (default: the active one)")
    parser.add_argument("name", nargs="?", metavar="PROFILE", default="", help=text)
    text = say("read this file instead of asking the server; init writes to it")
    parser.add_argument("--file", type=Path, default=None, metavar="FILE", help=text)
    add_server(parser, timeout_s=10, has_grpc=False)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Answers; a name that is not there ends with 2, `current` without an active one with 1."""
    if arguments.action == "init":
        return init(arguments.file or Path("profiles.json"), terminal)
    found = read_file(arguments.file) if arguments.file else ask_server(arguments)
    active = str(found.get("active_profile") or "")
    profiles: dict[str, dict[str, Any]] = found.get("profiles") or {}
    if arguments.action == "list":
        return show_all(profiles, active, terminal)
    if arguments.action == "show":
        return show_one(profiles, arguments.name or active, terminal)
    if terminal.as_json:
        terminal.answer_json({"active_profile": active or None})
    elif active:
        terminal.answer_line(active)
    else:
        terminal.note(say("no profile is active"))
    return 0 if active else 1


def read_file(path: Path) -> dict[str, Any]:
    from sentiric_llama.settings.profile_file import read_profiles

    return read_profiles(path).raw


def ask_server(arguments: argparse.Namespace) -> dict[str, Any]:
    from sentiric_llama.client.server import error_of

    answer = server_of(arguments).get("/v1/profiles")
    if answer.status != 200 or not isinstance(answer.body, dict):
        raise error_of(answer, "/v1/profiles")
    return answer.body


def show_all(profiles: dict[str, dict[str, Any]], active: str, terminal: Terminal) -> int:
    """A table; JSON is the profiles with their names and which is active."""
    if terminal.as_json:
        rows = [{"name": n, "active": n == active, **p} for n, p in profiles.items()]
        terminal.answer_json(rows)
        return 0
    header = (say("PROFILE"), say("MODEL"), say("CATEGORY"), say("ACTIVE"))
    terminal.answer_table(
        header,
        (
            (name, model_of(profile), str(profile.get("category", "")), "*" * (name == active))
            for name, profile in profiles.items()
        ),
    )
    return 0


def show_one(profiles: dict[str, dict[str, Any]], name: str, terminal: Terminal) -> int:
    """Every key as it stands in the file."""
    from sentiric_llama.errors import InvalidArgument

    if name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        what = f"no profile {name}" if name else "no profile is active"
        raise InvalidArgument(f"{what}; there is {known}", where="profile")
    if terminal.as_json:
        terminal.answer_json({"name": name, **profiles[name]})
        return 0
    values = {**profiles[name], **profiles[name].get("templates", {})}
    values.pop("templates", None)
    rows = ((key, json.dumps(value, ensure_ascii=False)) for key, value in values.items())
    terminal.answer_table((say("setting"), say("value")), rows)
    return 0


def init(path: Path, terminal: Terminal) -> int:
    """Writes the example; never over a file."""
    from sentiric_llama.errors import InvalidArgument
    from sentiric_llama.host.private_files import write_fault
    from sentiric_llama.settings.profile_file import EXAMPLE

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(EXAMPLE.read_text("utf-8"))
    except OSError as error:
        what = f"cannot write {path}: {write_fault(path, error)}"
        raise InvalidArgument(what, where="profile") from None
    if terminal.as_json:
        terminal.answer_json({"path": str(path)})
    else:
        terminal.answer(str(path))
    return 0


def model_of(profile: dict[str, Any]) -> str:
    """As one would name it to `serve`."""
    parts = (profile.get("model_id"), profile.get("filename"))
    return "/".join(str(part) for part in parts if part)
