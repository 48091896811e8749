# SPDX-License-Identifier: AGPL-3.0-only
"""`interrupt-test`: a caller speaks into an answer. How soon is the context free again?"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands._numbers import count
from sentiric_llama.commands._server import add_server, grpc_of, server_of
from sentiric_llama.commands.ask._chat_client import remote_chat_client
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

if TYPE_CHECKING:
    from sentiric_llama.client.chat_client import ChatClient
    from sentiric_llama.client.server import Server

Active = Callable[[], int]

EXAMPLES = """\
  {program} interrupt-test                      three times, after 1.5 seconds each
  {program} interrupt-test --after-ms 300 --runs 20 --json
"""
QUESTION = "Tell me everything about yourself."
INTERRUPTION = "Stop. Which port does HTTP use?"
PATIENCE_S = 5.0
"""Longest wait for the context; a server that needs longer has failed the test."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """When to interrupt, and how often."""
    parser.epilog = EXAMPLES
    text = say("cancel this many milliseconds after the first token (default: 1500)")
    parser.add_argument("--after-ms", type=count(0), default=1500, metavar="MS", help=text)
    parser.add_argument(
        "--runs", type=count(), default=3, metavar="N", help=say("number of runs (default: 3)")
    )
    add_server(parser, timeout_s=60)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """0 when every context came back and every second question was answered."""
    active, client = active_of(arguments), remote_chat_client(arguments)
    seconds = arguments.after_ms / 1e3
    runs = [_once(active, client, seconds) for _ in range(arguments.runs)]
    passed = all(item["free_ms"] is not None and item["answer_tokens"] > 0 for item in runs)
    if terminal.as_json:
        terminal.answer_json({"passed": passed, "runs": runs})
    else:
        for item in runs:
            terminal.answer(_line(item))
        terminal.answer(say("passed") if passed else say("failed"))
    return 0 if passed else 1


def _line(item: dict[str, Any]) -> str:
    free = item["free_ms"]
    if free is None:
        return say("the context was not free after {seconds} s", seconds=PATIENCE_S)
    return say(
        "free after {free} ms; next answer started after {ttft} ms with {cached} cached tokens",
        free=f"{free:.1f}",
        ttft=f"{item['ttft_ms']:.1f}",
        cached=item["cached_tokens"],
    )


def _once(active: Active, client: ChatClient, after_s: float) -> dict[str, Any]:
    """One answer that is cut off, and the question that interrupted it with what was heard."""
    import time
    from contextlib import closing
    from typing import cast

    from sentiric_llama.client.chat_client import GenerationOptions

    before = active()
    turns = [{"role": "user", "content": QUESTION}]
    heard = ""
    options = GenerationOptions(max_tokens=4096, ignore_eos=True)
    with closing(cast(Any, client.answer(turns, options))) as deltas:
        first = 0.0
        for delta in deltas:
            heard += delta.text
            first = first or time.monotonic()
            if time.monotonic() - first >= after_s:
                break
    free_ms = _wait_until_free(active, before)
    turns.append({"role": "assistant", "content": heard})
    turns.append({"role": "user", "content": INTERRUPTION})
    asked = time.monotonic()
    first, final = 0.0, None
    for delta in client.answer(turns, GenerationOptions(max_tokens=64)):
        first = first or time.monotonic()
        final = delta.final or final
    usage = final.usage if final else None
    return {
        "heard_characters": len(heard),
        "free_ms": free_ms,
        "ttft_ms": 1e3 * (first - asked),
        "answer_tokens": usage.completion_tokens if usage else 0,
        "cached_tokens": usage.cached_tokens if usage else 0,
    }


def active_of(arguments: argparse.Namespace) -> Active:
    """Counts the contexts in use, over the protocol that is measured."""
    if (rpc := grpc_of(arguments)) is not None:
        return lambda: int(rpc.capacity().active)
    server = server_of(arguments)
    return lambda: _active(server)


def _active(server: Server) -> int:
    """Contexts in use. Raises Unavailable when the server says nothing about them."""
    from sentiric_llama.errors import Unavailable

    body = server.get("/health").body
    capacity = body.get("capacity") if isinstance(body, dict) else None
    if not isinstance(capacity, dict):
        raise Unavailable("the server does not say how many contexts are free", where="health")
    return int(capacity["active"])


def _wait_until_free(active: Active, before: int) -> float | None:
    """Milliseconds until no more contexts are in use than before."""
    import time

    started = time.monotonic()
    while time.monotonic() - started < PATIENCE_S:
        if active() <= before:
            return 1e3 * (time.monotonic() - started)
    return None
