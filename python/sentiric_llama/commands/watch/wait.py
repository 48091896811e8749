# SPDX-License-Identifier: AGPL-3.0-only
"""`wait`: until the server is ready."""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

from sentiric_llama.commands._numbers import seconds
from sentiric_llama.commands._server import add_server, grpc_of, server_of
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

FAILED = "unhealthy", "failed"
_ANSWER_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, and for whom."""
    parser.epilog = "  {program} wait && {program} chat\n"
    text = say("give up after this many seconds (default: 300)")
    longest = seconds(may_be_zero=True)
    parser.add_argument("--timeout", type=longest, default=300, metavar="SECONDS", help=text)
    text = say("polling interval in seconds (default: 1)")
    parser.add_argument("--every", type=seconds(), default=1, metavar="SECONDS", help=text)
    add_server(parser, timeout_s=None)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """0 when it is ready. Raises DeadlineExceeded, or ModelInvalid when loading has failed."""
    from sentiric_llama.errors import DeadlineExceeded, ModelInvalid

    started, last = time.monotonic(), ""
    while (found := look(arguments)).state != "ready":
        if found.state in FAILED:
            raise ModelInvalid(f"{found.url} could not load its model; see its log", where="wait")
        if found.state != last:
            terminal.note(say("not ready yet: {state}", state=say(found.state)))
            last = found.state
        if time.monotonic() - started + arguments.every > arguments.timeout:
            text = f"not ready after {arguments.timeout:g} s: "
            text += found.reason or f"{found.url} is {found.state}"
            raise DeadlineExceeded(text, where="wait")
        time.sleep(arguments.every)
    waited_s = round(time.monotonic() - started, 3)
    if terminal.as_json:
        terminal.answer_json({"status": "ready", "waited_s": waited_s})
    else:
        terminal.note(f"{found.url}: {say('ready')}")
    return 0


class Found(NamedTuple):
    """What one look at the server found."""

    url: str
    state: str
    reason: str = ""


def look(arguments: argparse.Namespace) -> Found:
    """Asks once. The server is made out anew: a start may make the certificate to believe."""
    from sentiric_llama.errors import DeadlineExceeded, Unavailable

    server, rpc = server_of(arguments, _ANSWER_S), grpc_of(arguments, _ANSWER_S)
    try:
        answer = server.get("/health")
    except (Unavailable, DeadlineExceeded) as error:
        return Found(server.url, "unreachable", error.what)
    if answer.status == 200 and rpc is not None:
        status = rpc.health()
        return Found(server.url, "ready" if status == "SERVING" else f"gRPC {status}")
    body = answer.body if isinstance(answer.body, dict) else {}
    state = "ready" if answer.status == 200 else str(body.get("status", answer.status))
    return Found(server.url, state)
