# SPDX-License-Identifier: AGPL-3.0-only
"""TLS for an asyncio server: every new connection gets the certificates of that moment."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import Any

from sentiric_llama.host.private_files import write_private
from sentiric_llama.tls.identity import Identity
from sentiric_llama.tls.store import IdentityStore


class RotatingContext(ssl.SSLContext):
    """An SSLContext whose handshakes happen in a context of the store's current identity.

    A context in use cannot forget a CA, so a new one is made for each identity.
    """

    def __new__(cls, _store: IdentityStore, *, client_certificates: bool) -> RotatingContext:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, store: IdentityStore, *, client_certificates: bool) -> None:
        self._store = store
        self._client_certificates = client_certificates
        self._identity = store.current
        self._inner = make_context(self._identity, client_certificates=client_certificates)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return self._now().wrap_bio(*args, **kwargs)

    def _now(self) -> ssl.SSLContext:
        if self._identity is not self._store.current:
            identity = self._store.current
            self._inner = make_context(identity, client_certificates=self._client_certificates)
            self._identity = identity
        return self._inner


def make_context(identity: Identity, *, client_certificates: bool) -> ssl.SSLContext:
    """A server's context, TLS 1.2 or newer; with `client_certificates` it asks for and checks one.

    OpenSSL reads keys from files only, so the checked texts go through a private folder.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory(prefix="sentiric-tls-") as folder:
        chain, key = Path(folder, "chain"), Path(folder, "key")
        write_private(chain, identity.chain)
        write_private(key, identity.key)
        context.load_cert_chain(chain, key)
    if client_certificates and identity.ca is not None:
        context.load_verify_locations(cadata=identity.ca.decode("ascii", "replace"))
        context.verify_mode = ssl.CERT_REQUIRED
    return context
