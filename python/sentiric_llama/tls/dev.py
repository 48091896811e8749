# SPDX-License-Identifier: AGPL-3.0-only
"""Certificates for development: a CA, a server's and a client's, as files."""

from __future__ import annotations

from pathlib import Path

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.private_files import make_private_folder, write_private
from sentiric_llama.tls.make import local_names, make_ca, make_leaf


def make_dev(
    folder: Path,
    *,
    names: list[str],
    client_name: str = "sentiric-client",
    days: int = 365,
    force: bool = False,
) -> dict[str, Path]:
    """Makes the files, private to their owner. Raises InvalidArgument rather than replace any."""
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
        make_private_folder(folder)
        for name, content in contents.items():
            write_private(paths[name], content)
    except OSError as error:
        raise InvalidArgument(f"cannot write {folder}: {error.strerror}", where="certs") from None
    return paths
