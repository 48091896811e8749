# SPDX-License-Identifier: AGPL-3.0-only
"""`health`: is it alive, is it ready. The exit code is the answer."""

from __future__ import annotations

import argparse

from sentiric_llama.commands._server import add_server, grpc_of, server_of
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

STATUSES = (
    *("HEALTHY", "UNHEALTHY", "LOADING", "DRAINING", "READY", "FAILED", "STALLED"),
    *("RESTARTING", "ALIVE", "UNKNOWN"),
)
"""What servers say of themselves."""
EXAMPLES = """\
  {program} health            status, model and capacity
  {program} health --ready    may it get work? for load balancers and containers
  {program} health --live     does the process answer?
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to ask, and whom."""
    parser.epilog = EXAMPLES
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--live", action="store_true", help=say("check only that the process responds")
    )
    which.add_argument("--ready", action="store_true", help=say("check that it accepts requests"))
    add_server(parser, timeout_s=5)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """0 when the answer is yes, the code of `unavailable` otherwise."""
    from sentiric_llama.errors import ERROR_TABLE, ErrorCode

    path = "/health/live" if arguments.live else "/health/ready" if arguments.ready else "/health"
    answer = server_of(arguments).get(path)
    body = answer.body if isinstance(answer.body, dict) else {"status": str(answer.status)}
    is_well = answer.status == 200
    if (server := grpc_of(arguments)) is not None:
        body["grpc"] = server.health()
        is_well = is_well and body["grpc"] == "SERVING"
    if terminal.as_json:
        terminal.answer_json(body)
    elif not terminal.quiet:
        terminal.answer(summary(body))
    return 0 if is_well else ERROR_TABLE[ErrorCode.UNAVAILABLE].exit_code


def summary(body: dict[str, object]) -> str:
    """One line, HEALTHY or what else it is first."""
    status = str(body.get("status", "unknown")).upper()
    words = [say(status) if status in STATUSES else status]
    capacity = body.get("capacity")
    if isinstance(capacity, dict):
        free, total = capacity.get("available"), capacity.get("total")
        words.append(say("{free} of {total} contexts free", free=free, total=total))
    if "grpc" in body:
        words.append(f"gRPC {body['grpc']}")
    return ", ".join(words)
