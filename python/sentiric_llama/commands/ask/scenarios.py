# SPDX-License-Identifier: AGPL-3.0-only
"""`scenarios`: does a model behave? Suites of conversations with a running server, as CSV."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiric_llama.commands._numbers import seconds
from sentiric_llama.commands._server import add_admin_key, add_server, configured_of
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentiric_llama.client.scenarios.result import Result
    from sentiric_llama.client.scenarios.suite import Suite
    from sentiric_llama.client.server import Server

EXAMPLES = """\
  {program} scenarios                               all suites with the model that is served
  {program} scenarios --list
  {program} scenarios --suite 01 --suite 14 -o report.csv
  {program} scenarios --all-profiles -o report.csv  needs the admin key
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which suites, with which models."""
    parser.epilog = EXAMPLES
    text = say("only the suite with this id; repeatable")
    parser.add_argument("--suite", action="append", default=[], metavar="ID", help=text)
    text = say("a JSON file of suites instead of the built-in ones")
    parser.add_argument("--suites", type=Path, metavar="FILE", help=text)
    parser.add_argument("--list", action="store_true", help=say("list the suites and their tests"))
    which = parser.add_mutually_exclusive_group()
    text = say("switch the server to this profile first; repeatable")
    which.add_argument("--profile", action="append", default=[], metavar="PROFILE", help=text)
    text = say("one profile of the server after the other")
    which.add_argument("--all-profiles", action="store_true", help=text)
    text = say("write the CSV to this file instead of standard output")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=text)
    text = say("longest wait for a model to be ready, in seconds (default: {value})", value=300)
    parser.add_argument(
        "--ready-timeout", type=seconds(), default=300.0, metavar="SECONDS", help=text
    )
    add_server(parser, timeout_s=600, has_grpc=False)
    add_admin_key(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """0 when all tests pass, else 1."""
    from sentiric_llama.client.scenarios.run import Runner
    from sentiric_llama.client.scenarios.suite import BUILT_IN, chosen, load_suites

    suites = chosen(load_suites(arguments.suites or BUILT_IN), arguments.suite)
    if arguments.list:
        return _list(suites, terminal)
    configured = configured_of(arguments)
    server = configured.http(arguments.timeout)
    admin = replace(server, api_key=configured.admin_key or server.api_key)
    profiles = _all_profiles(server) if arguments.all_profiles else arguments.profile
    before = _active_profile(server) if profiles else ""
    runner = Runner(
        server, suites, lambda name: _switch(admin, name, terminal), arguments.ready_timeout
    )
    results: list[Result] = []
    try:
        for result in runner.run(profiles):
            results.append(result)
            terminal.note(_line(result))
    finally:
        _write(results, arguments.output, terminal)
        if before and _active_profile(server) != before:
            _switch(admin, before, terminal)
    failed = sum(result.status == "FAIL" for result in results)
    terminal.note(say("{failed} of {total} tests failed", failed=failed, total=len(results)))
    return 1 if failed else 0


def _list(suites: Sequence[Suite], terminal: Terminal) -> int:
    tests = [(suite, test) for suite in suites for test in suite.tests]
    if terminal.as_json:
        terminal.answer_json(
            [{"suite": suite.id, "name": suite.name, "test": test.name} for suite, test in tests]
        )
    else:
        rows = [(suite.id, suite.name, test.name) for suite, test in tests]
        terminal.answer_table((say("SUITE"), say("NAME"), say("TEST")), rows)
    return 0


def _line(result: Result) -> str:
    model, test, status, latency, note = result.cells
    return f"{status}  {model}  {test}  {latency} ms" + (f"  ({note})" if note else "")


def _write(results: Sequence[Result], path: Path | None, terminal: Terminal) -> None:
    """What there is, also of a run that was interrupted."""
    from sentiric_llama.client.scenarios.result import csv_text
    from sentiric_llama.errors import InvalidArgument
    from sentiric_llama.host.private_files import write_fault

    text = csv_text(results)
    if path is not None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            what = f"cannot write {path}: {write_fault(path, error)}"
            raise InvalidArgument(what, where="--output") from None
    elif not terminal.as_json:
        terminal.answer(text.rstrip("\n"))
    if terminal.as_json:
        terminal.answer_json([result.as_json() for result in results])


def _profiles(server: Server) -> dict[str, Any]:
    from sentiric_llama.client.server import error_of

    answer = server.get("/v1/profiles")
    if answer.status != 200:
        raise error_of(answer, "/v1/profiles")
    return dict(answer.body)


def _all_profiles(server: Server) -> list[str]:
    from sentiric_llama.errors import InvalidArgument

    found = list(_profiles(server).get("profiles") or {})
    if not found:
        raise InvalidArgument("the server has no profiles", where="--all-profiles")
    return found


def _active_profile(server: Server) -> str:
    """What the server goes back to; "" if it is none."""
    return str(_profiles(server).get("active_profile") or "")


def _switch(server: Server, profile: str, terminal: Terminal) -> None:
    """Returns when calls go to the new model."""
    from sentiric_llama.commands.watch.switch import follow
    from sentiric_llama.errors import Unavailable

    body = {"profile": profile, "stream": True}
    last = follow(server.events("/v1/models/switch", body), terminal)
    if last.get("status") != "success":
        what = "the connection closed before the switch finished; check with: sentiric-llama health"
        raise Unavailable(what, where="switch")
