# SPDX-License-Identifier: AGPL-3.0-only
"""`certs dev`: a CA, a server's and a client's certificate, and the variables that use them."""

from __future__ import annotations

import argparse
from pathlib import Path
from shlex import quote

from sentiric_llama.commands._numbers import count
from sentiric_llama.host.product import PREFIX
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say

MOST_DAYS = 3650  # as tls/dev.py has it, which imports too much for a help text
EXAMPLES = """\
  source <({program} certs dev --out certs)
  {program} certs dev --name llm.example.org --name 192.168.1.4
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the files go and whom they name."""
    parser.epilog = EXAMPLES
    text = say("dev: a CA, a server certificate and a client certificate")
    parser.add_argument("kind", choices=("dev",), help=text)
    text = say("output directory (default: certs)")
    parser.add_argument("--out", type=Path, default=Path("certs"), metavar="FOLDER", help=text)
    text = say("host name or address of the server; repeatable")
    parser.add_argument("--name", action="append", default=[], metavar="NAME", help=text)
    text = say("name of the client (default: sentiric-client)")
    parser.add_argument("--client-name", default="sentiric-client", metavar="NAME", help=text)
    text = say("days of validity (default: 365)")
    parser.add_argument("--days", type=count(most=MOST_DAYS), default=365, metavar="N", help=text)
    text = say("overwrite existing files")
    parser.add_argument("--force", action="store_true", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Writes the files and prints the variables that a shell can source."""
    from sentiric_llama.tls.dev import make_dev

    paths = make_dev(
        arguments.out,
        names=arguments.name,
        client_name=arguments.client_name,
        days=arguments.days,
        force=arguments.force,
    )
    if terminal.as_json:
        terminal.answer_json({name: str(path) for name, path in paths.items()})
        return 0
    shown = {name: quote(str(path)) for name, path in paths.items()}  # a shell reads it
    terminal.answer(f"export GRPC_TLS_CA_PATH={shown['ca.crt']}")
    terminal.answer(f"export {PREFIX}CERT_PATH={shown['service-chain.crt']}")
    terminal.answer(f"export {PREFIX}KEY_PATH={shown['service.key']}")
    terminal.answer_line(
        f"# clients: {shown['client.crt']} {shown['client.key']} {shown['ca.crt']}"
    )
    return 0
