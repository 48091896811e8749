# SPDX-License-Identifier: AGPL-3.0-only
"""`switch PROFILE`: another model in the running server."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sentiric_llama.commands._server import add_admin_key, add_server, configured_of
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

PHASES = {
    "fetching": "downloading the model",
    "loading": "loading the model",
    "draining": "no room for two models: finishing the requests of the old one",
    "returning": "the new model failed: restoring the old one",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which profile."""
    parser.epilog = "  {program} switch gemma3_4b_instruct_q4\n  {program} profile list\n"
    parser.add_argument("profile", metavar="PROFILE", help=say("name of a profile"))
    add_server(parser, has_grpc=False)
    add_admin_key(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Waits until calls go to the new model. A failure ends with the code of its error."""
    from sentiric_llama.errors import Unavailable

    configured = configured_of(arguments)
    server = configured.http(arguments.timeout)
    server = replace(server, api_key=configured.admin_key or server.api_key)
    body = {"profile": arguments.profile, "stream": True}
    last = follow(server.events("/v1/models/switch", body), terminal)
    if last.get("status") != "success":
        what = "the connection closed before the switch finished; check with: sentiric-llama health"
        raise Unavailable(what, where="switch")
    if terminal.as_json:
        terminal.answer_json(last)
    else:
        text = say("switched to {profile} in {seconds} s",
                   profile=last["active_profile"], seconds=f"{last['elapsed_s']:.1f}")  # fmt: skip
        terminal.answer_line(text)
    return 0


def follow(news: Iterable[dict[str, Any]], terminal: Terminal) -> dict[str, Any]:
    """Shows phases and downloads as they come; returns the last news."""
    from sentiric_llama.commands.store._progress import shown
    from sentiric_llama.models.download.progress import from_json

    last: dict[str, Any] = {}
    with shown(terminal) as report:
        for item in news:
            if download := item.get("download"):
                report(from_json(download))
            phase = item.get("phase")
            if phase in PHASES and phase != last.get("phase") and not terminal.as_json:
                terminal.note(say(PHASES[phase]))
            last = item
    return last
