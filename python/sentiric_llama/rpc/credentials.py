# SPDX-License-Identifier: AGPL-3.0-only
"""The server's TLS credentials. Each handshake uses the current identity."""

from __future__ import annotations

import grpc

from sentiric_llama.tls.identity import Identity
from sentiric_llama.tls.store import IdentityStore


def server_credentials(store: IdentityStore) -> grpc.ServerCredentials:
    """TLS 1.2 or newer. If there is a CA, clients need a certificate signed by it."""
    given = store.current

    def newer() -> grpc.ServerCertificateConfiguration | None:
        nonlocal given
        if store.current is given:
            return None
        given = store.current
        return configuration(given)

    return grpc.dynamic_ssl_server_credentials(
        configuration(given),
        newer,  # type: ignore[arg-type]  # it may return None if nothing has changed
        require_client_authentication=given.ca is not None,
    )


def configuration(identity: Identity) -> grpc.ServerCertificateConfiguration:
    pair = (identity.key, identity.chain)
    return grpc.ssl_server_certificate_configuration([pair], root_certificates=identity.ca)
