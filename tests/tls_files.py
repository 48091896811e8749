# SPDX-License-Identifier: AGPL-3.0-only
"""A CA with a server, and clients of every kind, as files of one folder."""

from __future__ import annotations

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc

from sentiric_llama.tls.identity import IdentityFiles
from sentiric_llama.tls.make import KeyPair, make_ca, make_leaf

NAMES = ["localhost", "127.0.0.1"]
ALLOWED = "voice-gateway"


class Pki:
    """Writes what it makes at once; `files` are the server's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = make_ca("test CA")
        self.files = IdentityFiles(folder / "server.crt", folder / "server.key", folder / "ca.crt")
        (folder / "ca.crt").write_bytes(self.ca.cert_pem)
        self.use(self.leaf())

    def leaf(self, names: list[str] = NAMES, **options: object) -> KeyPair:
        return make_leaf(names[0], names, ca=self.ca, **options)  # type: ignore[arg-type]

    def use(self, pair: KeyPair) -> None:
        """Makes this the server's certificate: first one file, then the other."""
        self.files.cert.write_bytes(pair.cert_pem)
        self.files.key.write_bytes(pair.key_pem)

    def clients(self) -> dict[str, KeyPair | None]:
        """Those that must be refused."""
        now = datetime.now(UTC)
        return {
            "no certificate": None,
            "other CA": make_leaf(ALLOWED, [ALLOWED], ca=make_ca("test CA")),
            "self-signed": make_leaf(ALLOWED, [ALLOWED]),
            "expired": self.leaf([ALLOWED], days=1, starts=now - timedelta(days=2)),
            "not yet valid": self.leaf([ALLOWED], starts=now + timedelta(days=1)),
            "name not allowed": self.leaf(["someone-else"]),
        }

    def good_client(self) -> KeyPair:
        return self.leaf([ALLOWED])

    def channel(self, address: str, client: KeyPair | None) -> grpc.aio.Channel:
        """A channel with a connection of its own."""
        credentials = grpc.ssl_channel_credentials(
            self.ca.cert_pem,
            client.key_pem if client else None,
            client.cert_pem if client else None,
        )
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.aio.secure_channel(address, credentials, options)

    def context(self, client: KeyPair | None) -> ssl.SSLContext:
        """The same for HTTPS and raw handshakes."""
        context = ssl.create_default_context(cadata=self.ca.cert_pem.decode())
        if client is not None:
            chain, key = self.folder / "client.crt", self.folder / "client.key"
            chain.write_bytes(client.cert_pem)
            key.write_bytes(client.key_pem)
            context.load_cert_chain(chain, key)
        return context

    def old_context(self, client: KeyPair) -> ssl.SSLContext:
        """One that offers TLS 1.1 at most."""
        context = self.context(client)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context
