# SPDX-License-Identifier: AGPL-3.0-only
"""`certs dev`: a CA, a server's and a client's certificate, and the variables that use them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sentiric_llama.errors import InvalidArgument


def add_certs_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `certs dev`; `run_certs` does it."""
    certs = commands.add_parser("certs", help="make certificates for development")
    kinds = certs.add_subparsers(dest="kind", metavar="KIND", required=True)
    dev = kinds.add_parser("dev", help="a CA, a server certificate and a client certificate")
    dev.add_argument("--out", type=Path, default=Path("certs"), help="folder (default: certs)")
    dev.add_argument(
        "--name", action="append", default=[], help="host name or address of the server; repeatable"
    )
    dev.add_argument("--client-name", default="sentiric-client", help="name of the client")
    dev.add_argument("--days", type=int, default=365, help="validity (default: 365)")
    dev.add_argument("--force", action="store_true", help="replace files that are there")


def run_certs(arguments: argparse.Namespace) -> int:
    """Writes the files and prints the variables on standard output. Returns the exit code."""
    try:
        paths = make_dev(
            arguments.out,
            names=arguments.name,
            client_name=arguments.client_name,
            days=arguments.days,
            force=arguments.force,
        )
    except InvalidArgument as error:
        print(f"sentiric-llama: {error}", file=sys.stderr)
        return error.mapping.exit_code
    print(f"export GRPC_TLS_CA_PATH={paths['ca.crt']}")
    print(f"export LLM_LLAMA_SERVICE_CERT_PATH={paths['service-chain.crt']}")
    print(f"export LLM_LLAMA_SERVICE_KEY_PATH={paths['service.key']}")
    print(f"# clients: {paths['client.crt']} {paths['client.key']} {paths['ca.crt']}")
    return 0


def make_dev(
    folder: Path,
    *,
    names: list[str],
    client_name: str = "sentiric-client",
    days: int = 365,
    force: bool = False,
) -> dict[str, Path]:
    """Makes the files, private to their owner. Raises InvalidArgument rather than replace any."""
    from sentiric_llama.tls.make import local_names, make_ca, make_leaf, write_private

    if not 1 <= days <= 3650:
        raise InvalidArgument(f"got {days}, allowed 1..3650", where="--days")
    ca = make_ca("sentiric development CA", days=days)
    server = make_leaf("sentiric-llm-llama-service", [*local_names(), *names], ca=ca, days=days)
    client = make_leaf(client_name, [client_name], ca=ca, days=days)
    contents = {
        "ca.crt": ca.cert_pem,
        "ca.key": ca.key_pem,
        "service-chain.crt": server.cert_pem + ca.cert_pem,
        "service.key": server.key_pem,
        "client.crt": client.cert_pem,
        "client.key": client.key_pem,
    }
    paths = {name: (folder / name).absolute() for name in contents}
    there = [str(path) for path in paths.values() if path.exists()]
    if there and not force:
        raise InvalidArgument(f"{there[0]} is there already; use --force", where="certs")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_private(paths[name], content)
    except OSError as error:
        raise InvalidArgument(f"cannot write {folder}: {error.strerror}", where="certs") from None
    return paths
